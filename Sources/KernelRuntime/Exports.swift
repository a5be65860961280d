/// A kernel that is looked up and called comes from a plugin or is the interpreter, so whoever imports this module sees those too.
@_exported import VoxInterpreter
@_exported import VoxKernels
@_exported import VoxPluginLoading

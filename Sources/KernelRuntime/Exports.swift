/// A kernel that is looked up and called comes from a plugin or is the interpreter, so whoever imports this module sees those too.
@_exported import Interpreter
@_exported import Kernels
@_exported import PluginLoading

// A user of the layers needs the types of their arguments and results too: padding, activations, tensors, prepared layers.
@_exported import VoxKerasConfig
@_exported import VoxKerasObjects
@_exported import VoxKernelRuntime
@_exported import VoxLayerSpec
@_exported import VoxTensors

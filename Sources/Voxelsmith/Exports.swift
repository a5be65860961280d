// A user of the layers needs the types of their arguments and results too: padding, activations, tensors, prepared layers.
@_exported import KerasConfig
@_exported import KernelRuntime
@_exported import LayerSpec
@_exported import Tensors

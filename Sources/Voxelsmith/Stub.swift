import LayerSpec

print("voxelsmith")

# find_package(Voxelsmith): the function voxelsmith_add_kernels (VoxelsmithAddKernels.cmake); Voxelsmith::voxelsmith, the program;
# Voxelsmith::headers, for hosts that read plugins themselves. Everything is found from where this file lies.
if(CMAKE_VERSION VERSION_LESS 3.21)
    set(Voxelsmith_FOUND FALSE)
    set(Voxelsmith_NOT_FOUND_MESSAGE "Voxelsmith's package was read by CMake ${CMAKE_VERSION}; expected 3.21 or newer.")
    return()
endif()

get_filename_component(_voxelsmith_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
foreach(_voxelsmith_file IN ITEMS bin/voxelsmith bin/voxelsmith-verify include/voxelsmith/voxelsmith_kernel_abi.h)
    if(NOT EXISTS "${_voxelsmith_prefix}/${_voxelsmith_file}")
        set(Voxelsmith_FOUND FALSE)
        set(Voxelsmith_NOT_FOUND_MESSAGE
            "Found no ${_voxelsmith_prefix}/${_voxelsmith_file}; expected a whole installed Voxelsmith around ${CMAKE_CURRENT_LIST_DIR}.")
        return()
    endif()
endforeach()

if(NOT TARGET Voxelsmith::voxelsmith)
    add_executable(Voxelsmith::voxelsmith IMPORTED)
    set_target_properties(Voxelsmith::voxelsmith PROPERTIES IMPORTED_LOCATION "${_voxelsmith_prefix}/bin/voxelsmith")
    add_library(Voxelsmith::headers INTERFACE IMPORTED)
    set_target_properties(Voxelsmith::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_voxelsmith_prefix}/include/voxelsmith")
endif()

include("${CMAKE_CURRENT_LIST_DIR}/VoxelsmithAddKernels.cmake")
unset(_voxelsmith_prefix)
unset(_voxelsmith_file)

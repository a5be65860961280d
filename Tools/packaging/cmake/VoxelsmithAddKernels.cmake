# voxelsmith_add_kernels(TARGET name LAYERS file [TARGETS machine] [POLICY fast|direct] [INPUT_SHAPES shape...])
# voxelsmith_add_kernels(TARGET name PLUGIN LAYERS file... [TARGETS machine...] [POLICY fast|direct] [INPUT_SHAPES shape...])
#
# The first makes a static library of layers in plain C, with the header name.h and a program name_check that compares every layer with plain
# loops (not part of "all"); its name is a C identifier. The second makes plugins, a file for each of LAYERS and TARGETS, in a folder called name; the target's
# property VOXELSMITH_PLUGINS lists them.

include_guard(GLOBAL)

function(voxelsmith_add_kernels)
    cmake_parse_arguments(PARSE_ARGV 0 arg "PLUGIN" "TARGET;POLICY" "LAYERS;TARGETS;INPUT_SHAPES")
    if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
        _voxelsmith_refuse("received \"${ARGN}\"" "TARGET name [PLUGIN] LAYERS file... [TARGETS machine...] [POLICY policy] [INPUT_SHAPES shape...]")
    endif()
    if(NOT arg_TARGET OR NOT arg_LAYERS)
        _voxelsmith_refuse("received \"${ARGN}\"" "a name after TARGET, and files after LAYERS")
    endif()
    if(TARGET "${arg_TARGET}")
        _voxelsmith_refuse("received TARGET ${arg_TARGET}, which is there already" "a name that no other target has")
    endif()

    cmake_path(SET folder NORMALIZE "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../../../bin")
    set(tool "${folder}/voxelsmith")
    set(verifier "${folder}/voxelsmith-verify")
    set(layers)
    foreach(file IN LISTS arg_LAYERS)
        cmake_path(ABSOLUTE_PATH file NORMALIZE)
        if(NOT EXISTS "${file}" OR IS_DIRECTORY "${file}")
            _voxelsmith_refuse("received LAYERS ${file}" "files that are there when CMake configures")
        endif()
        list(APPEND layers "${file}")
    endforeach()
    set(options)
    if(arg_POLICY)
        list(APPEND options --policy "${arg_POLICY}")
    endif()
    foreach(shape IN LISTS arg_INPUT_SHAPES)
        list(APPEND options --input-shape "${shape}")
    endforeach()

    if(arg_PLUGIN)
        _voxelsmith_plugins()
    else()
        _voxelsmith_library()
    endif()
endfunction()

# What is wrong with a call: what it received, and what was expected.
function(_voxelsmith_refuse received expected)
    string(REPLACE ";" " " received "${received}")
    message(FATAL_ERROR "voxelsmith_add_kernels ${received}; expected ${expected}.")
endfunction()

# A static library. Its files are named after the kernels, so CMake has to know the layers to know the files: the C is written when the project is
# configured, and configured again when layers or program change. The macros see the variables of voxelsmith_add_kernels.
macro(_voxelsmith_library)
    list(LENGTH layers count)
    if(NOT count EQUAL 1)
        _voxelsmith_refuse("received ${count} files as LAYERS of a static library"
            "one, such as a model or a list of layers: the C of one file has one header")
    endif()
    if(NOT arg_TARGETS)
        _voxelsmith_usual_machine(arg_TARGETS x86-64-v3)
    endif()
    list(LENGTH arg_TARGETS count)
    if(NOT count EQUAL 1)
        _voxelsmith_refuse("received TARGETS ${arg_TARGETS} for a static library" "one, as the functions of each machine have the same names")
    endif()
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang|GNU" OR (CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_COMPILER_VERSION VERSION_LESS 12))
        _voxelsmith_refuse("received the C compiler \"${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}\""
            "clang, or GCC from version 12 on, in a project that has C among its languages")
    endif()

    set(home "${CMAKE_CURRENT_BINARY_DIR}/${arg_TARGET}.voxelsmith")
    _voxelsmith_emit()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${tool}" "${layers}")

    file(GLOB sources "${home}/*.c")
    list(REMOVE_ITEM sources "${home}/main.c")
    # What the kernels need of a compiler stands in the Makefile beside them.
    file(STRINGS "${home}/Makefile" needed REGEX "^NEEDED = ")
    string(REPLACE "NEEDED = " "" needed "${needed}")
    separate_arguments(needed UNIX_COMMAND "${needed}")
    add_library("${arg_TARGET}" STATIC ${sources})
    target_include_directories("${arg_TARGET}" PUBLIC "$<BUILD_INTERFACE:${home}>")
    # Optimised in debug builds too: without, the kernels are many times slower.
    target_compile_options("${arg_TARGET}" PRIVATE -O3 ${needed})
    set_target_properties("${arg_TARGET}" PROPERTIES POSITION_INDEPENDENT_CODE ON)

    add_executable("${arg_TARGET}_check" EXCLUDE_FROM_ALL "${home}/main.c")
    target_compile_options("${arg_TARGET}_check" PRIVATE -std=c17 -O3)
    target_link_libraries("${arg_TARGET}_check" PRIVATE "${arg_TARGET}")
endmacro()

# Writes the C into the library's folder. Files that are as they were keep their times, so that they are not compiled again; those of layers that are gone go.
macro(_voxelsmith_emit)
    set(fresh "${home}.new")
    file(REMOVE_RECURSE "${fresh}")
    execute_process(
        COMMAND "${tool}" emit "${layers}" --standalone --name "${arg_TARGET}" --target "${arg_TARGETS}" ${options} --output "${fresh}"
        RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE words ERROR_STRIP_TRAILING_WHITESPACE)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "voxelsmith_add_kernels(TARGET ${arg_TARGET}): ${words}")
    elseif(words)
        message(NOTICE "${words}")
    endif()
    file(MAKE_DIRECTORY "${home}")
    file(GLOB files RELATIVE "${fresh}" "${fresh}/*")
    file(GLOB earlier RELATIVE "${home}" "${home}/*")
    foreach(file IN LISTS files)
        file(COPY_FILE "${fresh}/${file}" "${home}/${file}" ONLY_IF_DIFFERENT)
    endforeach()
    list(REMOVE_ITEM earlier ${files})
    list(TRANSFORM earlier PREPEND "${home}/")
    if(earlier)
        file(REMOVE ${earlier})
    endif()
    file(REMOVE_RECURSE "${fresh}")
endmacro()

# Plugins. Their names follow from those of the files, so they are made when the project is built.
macro(_voxelsmith_plugins)
    if(NOT arg_TARGETS)
        _voxelsmith_usual_machine(arg_TARGETS x86-64-v4 x86-64-v3)
    endif()
    set(home "${CMAKE_CURRENT_BINARY_DIR}/${arg_TARGET}")
    file(MAKE_DIRECTORY "${home}")
    set(plugins)
    foreach(file IN LISTS layers)
        cmake_path(GET file STEM LAST_ONLY stem)
        foreach(machine IN LISTS arg_TARGETS)
            set(plugin "${home}/${stem}-${machine}.so")
            if(plugin IN_LIST plugins)
                _voxelsmith_refuse("received two files or machines whose plugin would be ${stem}-${machine}.so" "files and machines of different names")
            endif()
            # The record of the verification beside it is not listed: there is none where this machine cannot run the kernels.
            add_custom_command(
                OUTPUT "${plugin}"
                COMMAND "${tool}" build "${file}" --target "${machine}" ${options} --output "${plugin}"
                DEPENDS "${file}" "${tool}" "${verifier}" COMMENT "Kernels of ${stem} for ${machine}" VERBATIM)
            list(APPEND plugins "${plugin}")
        endforeach()
    endforeach()
    add_custom_target("${arg_TARGET}" ALL DEPENDS ${plugins})
    set_target_properties("${arg_TARGET}" PROPERTIES VOXELSMITH_PLUGINS "${plugins}")
endmacro()

# The machines of a call that names none: those given, or the only one of the other processor family.
function(_voxelsmith_usual_machine result)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
        set(${result} ${ARGN} PARENT_SCOPE)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
        set(${result} aarch64-neon PARENT_SCOPE)
    else()
        _voxelsmith_refuse("received no TARGETS in a project for \"${CMAKE_SYSTEM_PROCESSOR}\"" "a machine that voxelsmith has kernels for")
    endif()
endfunction()

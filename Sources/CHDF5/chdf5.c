#include "chdf5.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static chdf5_api api;
static bool loaded;
static char reason_text[256] = "no HDF5 library was found";

/* The serial builds first: Debian names them apart from the MPI ones. */
static const char *const names[] = {
#ifdef __APPLE__
    "libhdf5.dylib", "/opt/homebrew/lib/libhdf5.dylib",
#else
    "libhdf5_serial.so.310", "libhdf5_serial.so.200", "libhdf5_serial.so.103", "libhdf5.so.310", "libhdf5.so.200", "libhdf5.so.103",
    "libhdf5_serial.so", "libhdf5.so",
#endif
};

static bool read_id(void *library, const char *name, int64_t *id) {
    const int64_t *variable = dlsym(library, name);
    if (variable == NULL) {
        snprintf(reason_text, sizeof reason_text, "the HDF5 library found here has no %s", name);
        return false;
    }
    *id = *variable;
    return true;
}

/* A library that is new enough and has started; NULL without one. */
static void *open_library(void) {
    void *library = NULL;
    for (size_t i = 0; library == NULL && i < sizeof names / sizeof *names; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *error = dlerror();
        if (error != NULL) snprintf(reason_text, sizeof reason_text, "%s", error);
        return NULL;
    }
    int (*version)(unsigned *, unsigned *, unsigned *) = NULL;
    int (*start)(void) = NULL;
    *(void **)&version = dlsym(library, "H5get_libversion");
    *(void **)&start = dlsym(library, "H5open");
    unsigned major = 0, minor = 0, release = 0;
    if (version == NULL || start == NULL || start() < 0 || version(&major, &minor, &release) < 0) {
        snprintf(reason_text, sizeof reason_text, "the HDF5 library found here did not start");
        return NULL;
    }
    if (major < 1 || (major == 1 && minor < 10)) {  /* before 1.10 a hid_t had 32 bits */
        snprintf(reason_text, sizeof reason_text, "the HDF5 library found here is version %u.%u.%u, expected 1.10 or newer", major, minor, release);
        return NULL;
    }
    return library;
}

#define FIND(name)                                                                                    \
    if ((*(void **)&api.name = dlsym(library, #name)) == NULL) {                                      \
        snprintf(reason_text, sizeof reason_text, "the HDF5 library found here has no " #name);       \
        return false;                                                                                 \
    }

static bool find_functions(void *library) {
    FIND(H5Eset_auto2)
    FIND(H5Fopen)
    FIND(H5Fclose)
    FIND(H5Pcreate)
    FIND(H5Pclose)
    FIND(H5Pset_fapl_core)
    FIND(H5Pset_file_image)
    FIND(H5Oopen)
    FIND(H5Oclose)
    FIND(H5Iget_type)
    FIND(H5Gget_info)
    FIND(H5Lexists)
    FIND(H5Lget_name_by_idx)
    FIND(H5Dget_space)
    FIND(H5Dget_type)
    FIND(H5Dread)
    FIND(H5Aexists)
    FIND(H5Aopen)
    FIND(H5Aget_space)
    FIND(H5Aget_type)
    FIND(H5Aread)
    FIND(H5Aclose)
    FIND(H5Sget_simple_extent_type)
    FIND(H5Sget_simple_extent_ndims)
    FIND(H5Sget_simple_extent_dims)
    FIND(H5Sclose)
    FIND(H5Tcopy)
    FIND(H5Tget_class)
    FIND(H5Tget_size)
    FIND(H5Tis_variable_str)
    FIND(H5Tget_strpad)
    FIND(H5Tget_cset)
    FIND(H5Tset_cset)
    FIND(H5Tset_size)
    FIND(H5Tclose)
    FIND(H5free_memory)
    /* 1.12 renamed the 1.10 function; only the first field is read, which all forms share. */
    void *link_info = dlsym(library, "H5Lget_info2");
    if (link_info == NULL) link_info = dlsym(library, "H5Lget_info");
    if (link_info == NULL) {
        snprintf(reason_text, sizeof reason_text, "the HDF5 library found here has no H5Lget_info");
        return false;
    }
    *(void **)&api.H5Lget_info = link_info;
    return true;
}

/* What files are made with. */
static bool find_writing_functions(void *library) {
    FIND(H5Fcreate)
    FIND(H5Fflush)
    FIND(H5Fget_file_image)
    FIND(H5Pset_libver_bounds)
    FIND(H5Pset_obj_track_times)
    FIND(H5Gcreate2)
    FIND(H5Dcreate2)
    FIND(H5Dwrite)
    FIND(H5Acreate2)
    FIND(H5Awrite)
    FIND(H5Screate)
    FIND(H5Screate_simple)
    FIND(H5Tcreate)
    FIND(H5Tset_fields)
    FIND(H5Tset_ebias)
    FIND(H5Tset_strpad)
    return true;
}
#undef FIND

static void load(void) {
    void *const library = open_library();
    if (library == NULL || !find_functions(library) || !find_writing_functions(library)) return;
    loaded = read_id(library, "H5T_NATIVE_FLOAT_g", &api.native_float)
        && read_id(library, "H5T_NATIVE_DOUBLE_g", &api.native_double)
        && read_id(library, "H5T_NATIVE_INT64_g", &api.native_int64)
        && read_id(library, "H5T_C_S1_g", &api.c_string)
        && read_id(library, "H5T_IEEE_F32LE_g", &api.little_float)
        && read_id(library, "H5T_IEEE_F64LE_g", &api.little_double)
        && read_id(library, "H5P_CLS_FILE_ACCESS_ID_g", &api.file_access_class)
        && read_id(library, "H5P_CLS_DATASET_CREATE_ID_g", &api.dataset_creation_class);
}

const chdf5_api *chdf5_load(const char **reason) {
    pthread_once(&once, load);
    *reason = loaded ? NULL : reason_text;
    return loaded ? &api : NULL;
}

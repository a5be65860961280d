#ifndef CHDF5_H
#define CHDF5_H
/* The part of HDF5 (1.10 or newer) that this package calls, opened with dlopen at its first use: no header and no -dev package
   is needed to build, and a program without HDF5 files never pays for the library. The declarations repeat hdf5.h with
   hid_t = int64_t (since 1.10), herr_t = htri_t = int, hsize_t = unsigned long long. Only functions whose form is the same
   in every version since 1.10 appear, so no versioned macro of hdf5.h has to be imitated. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum {
    CHDF5_DEFAULT = 0,                          /* H5P_DEFAULT, H5S_ALL, H5E_DEFAULT, H5_INDEX_NAME, H5_ITER_INC, H5F_ACC_RDONLY, H5F_SCOPE_LOCAL */
    CHDF5_TRUNCATE = 2,                         /* H5F_ACC_TRUNC */
    CHDF5_EARLIEST = 0, CHDF5_V18 = 1,          /* H5F_LIBVER_EARLIEST, H5F_LIBVER_V18, which was LATEST before 1.10.2 */
    CHDF5_IS_GROUP = 2, CHDF5_IS_DATASET = 5,   /* H5I_type_t */
    CHDF5_INTEGER = 0, CHDF5_FLOAT = 1, CHDF5_STRING = 3, CHDF5_OPAQUE = 5, /* H5T_class_t */
    CHDF5_NULL_PADDED = 1, CHDF5_SPACE_PADDED = 2, /* H5T_STR_NULLPAD, H5T_STR_SPACEPAD */
    CHDF5_UTF8 = 1,                             /* H5T_CSET_UTF8 */
    CHDF5_SCALAR = 0,                           /* H5S_SCALAR */
    CHDF5_SPACE_NULL = 2,                       /* H5S_NULL */
    CHDF5_LINK_HARD = 0,                        /* H5L_TYPE_HARD */
};

/* H5G_info_t. */
typedef struct {
    int storage_type;
    unsigned long long link_count;
    int64_t max_creation_order;
    bool mounted;
} chdf5_group_info;

/* Stands for every version of H5L_info_t: all begin with the link's type, none is larger than this. */
typedef struct {
    int type;
    int64_t rest[15];
} chdf5_link_info;

typedef struct {
    int (*_Nonnull H5Eset_auto2)(int64_t stack, void *_Nullable function, void *_Nullable data);
    int64_t (*_Nonnull H5Fopen)(const char *path, unsigned flags, int64_t access);
    int64_t (*_Nonnull H5Fcreate)(const char *path, unsigned flags, int64_t creation, int64_t access);
    int (*_Nonnull H5Fflush)(int64_t object, int scope);
    ptrdiff_t (*_Nonnull H5Fget_file_image)(int64_t file, void *_Nullable bytes, size_t count);
    int (*_Nonnull H5Fclose)(int64_t file);
    int64_t (*_Nonnull H5Pcreate)(int64_t property_class);
    int (*_Nonnull H5Pclose)(int64_t list);
    int (*_Nonnull H5Pset_fapl_core)(int64_t list, size_t increment, bool backing_store);
    int (*_Nonnull H5Pset_file_image)(int64_t list, void *bytes, size_t count);
    int (*_Nonnull H5Pset_libver_bounds)(int64_t list, int low, int high);
    int (*_Nonnull H5Pset_obj_track_times)(int64_t list, bool tracks);
    int64_t (*_Nonnull H5Oopen)(int64_t location, const char *name, int64_t access);
    int (*_Nonnull H5Oclose)(int64_t object);
    int (*_Nonnull H5Iget_type)(int64_t object);
    int (*_Nonnull H5Gget_info)(int64_t group, chdf5_group_info *info);
    int64_t (*_Nonnull H5Gcreate2)(int64_t location, const char *name, int64_t link, int64_t creation, int64_t access);
    int (*_Nonnull H5Lexists)(int64_t location, const char *name, int64_t access);
    int (*_Nonnull H5Lget_info)(int64_t location, const char *name, chdf5_link_info *info, int64_t access);
    ptrdiff_t (*_Nonnull H5Lget_name_by_idx)(int64_t location, const char *group, int index, int order, unsigned long long n,
                                    char *_Nullable name, size_t count, int64_t access);
    int64_t (*_Nonnull H5Dget_space)(int64_t dataset);
    int64_t (*_Nonnull H5Dget_type)(int64_t dataset);
    int (*_Nonnull H5Dread)(int64_t dataset, int64_t memory_type, int64_t memory_space, int64_t file_space, int64_t transfer, void *bytes);
    int64_t (*_Nonnull H5Dcreate2)(int64_t location, const char *name, int64_t type, int64_t space, int64_t link, int64_t creation, int64_t access);
    int (*_Nonnull H5Dwrite)(int64_t dataset, int64_t memory_type, int64_t memory_space, int64_t file_space, int64_t transfer, const void *bytes);
    int (*_Nonnull H5Aexists)(int64_t object, const char *name);
    int64_t (*_Nonnull H5Aopen)(int64_t object, const char *name, int64_t access);
    int64_t (*_Nonnull H5Aget_space)(int64_t attribute);
    int64_t (*_Nonnull H5Aget_type)(int64_t attribute);
    int (*_Nonnull H5Aread)(int64_t attribute, int64_t memory_type, void *bytes);
    int64_t (*_Nonnull H5Acreate2)(int64_t object, const char *name, int64_t type, int64_t space, int64_t creation, int64_t access);
    int (*_Nonnull H5Awrite)(int64_t attribute, int64_t memory_type, const void *bytes);
    int (*_Nonnull H5Aclose)(int64_t attribute);
    int (*_Nonnull H5Sget_simple_extent_type)(int64_t space);
    int (*_Nonnull H5Sget_simple_extent_ndims)(int64_t space);
    int (*_Nonnull H5Sget_simple_extent_dims)(int64_t space, unsigned long long *_Nullable extents, unsigned long long *_Nullable maxima);
    int64_t (*_Nonnull H5Screate)(int type);
    int64_t (*_Nonnull H5Screate_simple)(int rank, const unsigned long long *extents, const unsigned long long *_Nullable maxima);
    int (*_Nonnull H5Sclose)(int64_t space);
    int64_t (*_Nonnull H5Tcopy)(int64_t type);
    int64_t (*_Nonnull H5Tcreate)(int type_class, size_t size);
    int (*_Nonnull H5Tset_fields)(int64_t type, size_t sign, size_t exponent, size_t exponent_size, size_t mantissa, size_t mantissa_size);
    int (*_Nonnull H5Tset_ebias)(int64_t type, size_t bias);
    int (*_Nonnull H5Tset_strpad)(int64_t type, int padding);
    int (*_Nonnull H5Tget_class)(int64_t type);
    size_t (*_Nonnull H5Tget_size)(int64_t type);
    int (*_Nonnull H5Tis_variable_str)(int64_t type);
    int (*_Nonnull H5Tget_strpad)(int64_t type);
    int (*_Nonnull H5Tget_cset)(int64_t type);
    int (*_Nonnull H5Tset_cset)(int64_t type, int set);
    int (*_Nonnull H5Tset_size)(int64_t type, size_t size);
    int (*_Nonnull H5Tclose)(int64_t type);
    int (*_Nonnull H5free_memory)(void *memory);
    /* Ids that hdf5.h hides in macros over global variables; fixed once H5open has run. */
    int64_t native_float, native_double, native_int64, c_string, little_float, little_double, file_access_class, dataset_creation_class;
} chdf5_api;

/* The functions, or NULL with a sentence in *reason that lives as long as the process. Callable from any thread; the library
   itself is not to be entered by two threads at once. */
const chdf5_api *_Nullable chdf5_load(const char *_Nullable *_Nonnull reason);

#pragma clang assume_nonnull end
#endif

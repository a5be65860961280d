#ifndef CZIP_H
#define CZIP_H
/* The part of libzip (1.5 or newer) that this package calls, opened with dlopen at its first use: no header and no -dev
   package is needed to build, and a program that reads no archive never pays for the library. The declarations repeat zip.h;
   types that are opaque there are void here. */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#pragma clang assume_nonnull begin

/* struct zip_error; made by zip_error_init, released by zip_error_fini. */
typedef struct {
    int zip_err;
    int sys_err;
    char *_Nullable str;
} czip_error;

/* struct zip_stat; `valid` says which fields hold a value. */
typedef struct {
    uint64_t valid;
    const char *_Nullable name;
    uint64_t index;
    uint64_t size;
    uint64_t comp_size;
    time_t mtime;
    uint32_t crc;
    uint16_t comp_method;
    uint16_t encryption_method;
    uint32_t flags;
} czip_stat;

enum {
    CZIP_CREATE = 1,            /* ZIP_CREATE */
    CZIP_TRUNCATE = 8,          /* ZIP_TRUNCATE */
    CZIP_READ_ONLY = 16,        /* ZIP_RDONLY */
    CZIP_STAT_NAME = 1,         /* ZIP_STAT_NAME */
    CZIP_STAT_SIZE = 4,         /* ZIP_STAT_SIZE */
    CZIP_NAME_UTF8 = 2048,      /* ZIP_FL_ENC_UTF_8 */
    CZIP_METHOD_STORE = 0,      /* ZIP_CM_STORE */
};

typedef struct {
    void *_Nullable (*_Nonnull zip_fdopen)(int descriptor, int flags, int *_Nullable error);
    void *_Nullable (*_Nonnull zip_open_from_source)(void *source, int flags, czip_error *_Nullable error);
    void *_Nullable (*_Nonnull zip_source_buffer_create)(const void *_Nullable bytes, uint64_t count, int free_after_use, czip_error *_Nullable error);
    void *_Nullable (*_Nonnull zip_source_buffer)(void *archive, const void *_Nullable bytes, uint64_t count, int free_after_use);
    void (*_Nonnull zip_source_keep)(void *source);
    void (*_Nonnull zip_source_free)(void *_Nullable source);
    int (*_Nonnull zip_source_open)(void *source);
    int64_t (*_Nonnull zip_source_read)(void *source, void *bytes, uint64_t count);
    int (*_Nonnull zip_source_close)(void *source);
    int (*_Nonnull zip_source_stat)(void *source, czip_stat *stat);
    int64_t (*_Nonnull zip_get_num_entries)(void *archive, uint32_t flags);
    int (*_Nonnull zip_stat_index)(void *archive, uint64_t index, uint32_t flags, czip_stat *stat);
    void *_Nullable (*_Nonnull zip_fopen_index)(void *archive, uint64_t index, uint32_t flags);
    int64_t (*_Nonnull zip_fread)(void *file, void *bytes, uint64_t count);
    int (*_Nonnull zip_fclose)(void *file);
    int64_t (*_Nonnull zip_file_add)(void *archive, const char *name, void *source, uint32_t flags);
    int (*_Nonnull zip_set_file_compression)(void *archive, uint64_t index, int32_t method, uint32_t level);
    int (*_Nonnull zip_file_set_dostime)(void *archive, uint64_t index, uint16_t time, uint16_t date, uint32_t flags);
    int (*_Nonnull zip_close)(void *archive);
    void (*_Nonnull zip_discard)(void *archive);
    const char *_Nonnull (*_Nonnull zip_strerror)(void *archive);
    const char *_Nonnull (*_Nonnull zip_file_strerror)(void *file);
    void (*_Nonnull zip_error_init)(czip_error *error);
    void (*_Nonnull zip_error_init_with_code)(czip_error *error, int code);
    const char *_Nonnull (*_Nonnull zip_error_strerror)(czip_error *error);
    void (*_Nonnull zip_error_fini)(czip_error *error);
} czip_api;

/* The functions, or NULL with a sentence in *reason that lives as long as the process. Callable from any thread. */
const czip_api *_Nullable czip_load(const char *_Nullable *_Nonnull reason);

#pragma clang assume_nonnull end
#endif

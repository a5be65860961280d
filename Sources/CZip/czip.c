#include "czip.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static czip_api api;
static bool loaded;
static char reason_text[256] = "no libzip was found";

static const char *const names[] = {
#ifdef __APPLE__
    "libzip.5.dylib", "libzip.dylib",
#else
    "libzip.so.5", "libzip.so.4",
#endif
};

static void load(void) {
    void *library = NULL;
    for (size_t i = 0; library == NULL && i < sizeof names / sizeof *names; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *error = dlerror();
        if (error != NULL) snprintf(reason_text, sizeof reason_text, "%s", error);
        return;
    }
#define FIND(name)                                                                              \
    if ((*(void **)&api.name = dlsym(library, #name)) == NULL) {                                \
        snprintf(reason_text, sizeof reason_text, "the libzip found here has no " #name);       \
        return;                                                                                 \
    }
    FIND(zip_fdopen)
    FIND(zip_open_from_source)
    FIND(zip_source_buffer_create)
    FIND(zip_source_buffer)
    FIND(zip_source_keep)
    FIND(zip_source_free)
    FIND(zip_source_open)
    FIND(zip_source_read)
    FIND(zip_source_close)
    FIND(zip_source_stat)
    FIND(zip_get_num_entries)
    FIND(zip_stat_index)
    FIND(zip_fopen_index)
    FIND(zip_fread)
    FIND(zip_fclose)
    FIND(zip_file_add)
    FIND(zip_set_file_compression)
    FIND(zip_file_set_dostime)
    FIND(zip_close)
    FIND(zip_discard)
    FIND(zip_strerror)
    FIND(zip_file_strerror)
    FIND(zip_error_init)
    FIND(zip_error_init_with_code)
    FIND(zip_error_strerror)
    FIND(zip_error_fini)
#undef FIND
    loaded = true;
}

const czip_api *czip_load(const char **reason) {
    pthread_once(&once, load);
    *reason = loaded ? NULL : reason_text;
    return loaded ? &api : NULL;
}

#include "cpng.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* png_image of png.h, version 1 of the simplified interface. */
typedef struct {
    void *opaque;
    uint32_t version, width, height, format, flags, colormap_entries, warning_or_error;
    char message[64];
} image;

enum { IMAGE_VERSION = 1, FORMAT_GRAY = 0, FORMAT_RGB = 2 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int (*write_to_file)(image *, const char *path, int convert_to_8bit, const void *pixels, int32_t row_stride, const void *colormap);
static char reason_text[256] = "no libpng was found";

static const char *const names[] = {
#ifdef __APPLE__
    "libpng16.dylib", "/opt/homebrew/lib/libpng16.dylib",
#else
    "libpng16.so.16",
#endif
};

static void load(void) {
    void *library = NULL;
    for (size_t i = 0; library == NULL && i < sizeof names / sizeof *names; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) *(void **)&write_to_file = dlsym(library, "png_image_write_to_file");
    if (write_to_file == NULL) {
        const char *error = dlerror();
        if (error != NULL) snprintf(reason_text, sizeof reason_text, "%s", error);
    }
}

cpng_status cpng_write(const char *path, uint32_t width, uint32_t height, int channels, const uint8_t *pixels,
                       char *reason, size_t reason_count) {
    pthread_once(&once, load);
    if (write_to_file == NULL) {
        snprintf(reason, reason_count, "%s", reason_text);
        return CPNG_NO_LIBRARY;
    }
    image picture;
    memset(&picture, 0, sizeof picture);
    picture.version = IMAGE_VERSION;
    picture.width = width;
    picture.height = height;
    picture.format = channels == 3 ? FORMAT_RGB : FORMAT_GRAY;
    if (write_to_file(&picture, path, 0, pixels, 0, NULL) == 0) {
        snprintf(reason, reason_count, "%s", picture.message);
        return CPNG_FAILED;
    }
    return CPNG_WRITTEN;
}

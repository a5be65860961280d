#ifndef CPNG_H
#define CPNG_H
/* Writing a picture with libpng 1.6's simplified interface, opened with dlopen at its first use: no header and no -dev package
   is needed to build, and a program that draws nothing never pays for the library. */

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef enum { CPNG_WRITTEN = 0, CPNG_NO_LIBRARY = 1, CPNG_FAILED = 2 } cpng_status;

/* Writes width * height pixels of 8 bits, `channels` (1 grey, 3 red-green-blue) values each, rows from the top, to `path`. On
   anything but CPNG_WRITTEN `reason` holds a text of at most `reason_count` bytes with its NUL. Callable from any thread. */
cpng_status cpng_write(const char *path, uint32_t width, uint32_t height, int channels, const uint8_t *pixels,
                       char *reason, size_t reason_count);

#pragma clang assume_nonnull end
#endif

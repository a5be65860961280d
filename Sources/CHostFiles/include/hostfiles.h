/* Files and surroundings that Swift cannot ask the C library for itself. SPDX-License-Identifier: Apache-2.0 */
#ifndef VOXELSMITH_HOSTFILES_H
#define VOXELSMITH_HOSTFILES_H

#include <grp.h>
#include <stddef.h>
#include <stdint.h>

/* The text of an environment variable; NULL when it is unset, and in a program that has other rights than whoever started it. */
const char *vs_secure_environment(const char *name);

/* getgrent_r, which the C library shows to GNU programs only. */
int vs_next_group(struct group *entry, char *buffer, size_t bytes, struct group **result);

/* 1 when the open file or folder has an access control list beyond its mode, or may have one; a descriptor opened with O_PATH will do. */
int vs_has_access_list(int32_t descriptor);

/* A descriptor of a new file in memory with these bytes, sealed: nobody can change it or its size. -1 with errno where the system
 * has no such files. */
int32_t vs_sealed_copy(const void *bytes, size_t count);

/* A descriptor of a new file in a folder with these bytes and without a name. -1 with errno. */
int32_t vs_unnamed_copy(const char *folder, const void *bytes, size_t count);

#endif

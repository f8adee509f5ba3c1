/* SPDX-License-Identifier: MIT */
/*
 * What Go's linker writes down of a build: the toolchain's version and the modules that went in (debug/buildinfo). It is text behind a magic, in a
 * section of its own, or in the data of formats without one.
 */
#ifndef MODEL_GO_BUILD_H
#define MODEL_GO_BUILD_H

#include "model/image.h"

struct wb_go_build {
	char *version;                /* "go1.24.4"; "" if unknown */
	char *modules;                /* lines as `go version -m` prints them, without the first tab; "" if there are none */
};
/* WB_NONE: the image has none. *ret_build is to be freed with wb_go_build_deinit. */
enum wb_err wb_go_build_of_image(struct wb_image *image, struct wb_go_build *ret_build);
void wb_go_build_deinit(struct wb_go_build *build);

/* Reads it from bytes that start with the magic. read gives what older versions point to. WB_NONE: no magic; WB_ERR_DATA: broken. */
typedef enum wb_err (*wb_go_build_read_fn)(void *arg, uint64_t image_pc, void *buffer, size_t count);
enum wb_err wb_go_build_open(const uint8_t *bytes, size_t size, wb_go_build_read_fn read, void *arg, struct wb_go_build *ret_build);

/* The module of a function, by its linkage name: "path@version"; where another one was put in its place, " => " and that. A package of the standard
 * library is "std@" and the toolchain's version. WB_NONE: no module is known to have it; WB_ERR_LIMIT: the buffer is too small. */
enum wb_err wb_go_build_module(const struct wb_go_build *build, const char *function, char *buffer, size_t size);

#endif

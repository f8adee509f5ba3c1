/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a file, of memory or of a caller's source, behind one reading interface. Files are read with pread, or mapped where the
 * session says that they are stable. One of the two files with operating system headers behind it.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <walkback/base.h>

#include <stdbool.h>

struct wb_file;

enum wb_file_kind { WB_FILE_KIND_NONE, WB_FILE_KIND_REGULAR, WB_FILE_KIND_FOLDER, WB_FILE_KIND_OTHER };
enum wb_file_kind wb_file_kind(const char *path);

/* Regular files only: WB_ERR_IO with errno's reason in *ret_reason (static storage; may be NULL) otherwise. */
enum wb_err wb_file_open(const char *path, bool map, struct wb_file **ret_file, const char **ret_reason);
/* Borrows the bytes until release(arg); takes the source. Both release on failure. */
enum wb_err wb_file_of_bytes(const void *bytes, size_t size, void (*release)(void *arg), void *arg, struct wb_file **ret_file);
enum wb_err wb_file_of_source(const struct wb_source *source, struct wb_file **ret_file);
/* A part of a file as a file of its own. Takes file, also on failure. WB_ERR_DATA: it does not have that part. */
enum wb_err wb_file_part(struct wb_file *file, uint64_t offset, uint64_t size, struct wb_file **ret_part);
void wb_file_free(struct wb_file *file);

uint64_t wb_file_size(const struct wb_file *file);
/* When it was modified last, in seconds since 1970; 0 unknown. */
uint64_t wb_file_modified(const struct wb_file *file);
/* The whole file in memory if it is there anyway (mapped, or bytes), else NULL. */
const void *wb_file_memory(const struct wb_file *file);
/* Exactly size bytes at offset, or WB_ERR_DATA when the file ends before (*ret_reason says "ends at ..."), WB_ERR_IO. */
enum wb_err wb_file_read(struct wb_file *file, uint64_t offset, void *buffer, size_t size);

/* The bytes will not be needed soon: takes a mapped file's pages out of memory (they come back when touched). Else does nothing. */
void wb_file_forget(struct wb_file *file, uint64_t offset, uint64_t size);

/* All of this memory will be written soon: asks for large pages, of which one costs little more to get than one of 512 small ones. */
enum { WB_FILE_LARGE_PAGE = 2 << 20 };
void wb_file_expect(void *memory, size_t size);

/* Has the pages ready that will be written, or read of a mapped file: another thread than the one that uses them can do that. */
void wb_file_prepare(void *memory, size_t size);
void wb_file_prepare_reading(struct wb_file *file, uint64_t offset, uint64_t size);

/* A piece of a file: points into the file's memory, or owns a copy. */
struct wb_piece { const uint8_t *bytes; size_t size; void *owned; };
enum wb_err wb_file_piece(struct wb_file *file, uint64_t offset, uint64_t size, struct wb_piece *ret_piece);
/* Has it own its bytes, so that they can be written; otherwise as it was. */
enum wb_err wb_piece_own(struct wb_piece *piece);
void wb_piece_deinit(struct wb_piece *piece);

/* Writing, for snapshot folders. */
enum wb_err wb_file_make_folder(const char *path);
/* WB_ERR_IO: *ret_reason says why, as wb_file_open's does. */
enum wb_err wb_file_write_new(const char *path, const void *bytes, size_t size, const char **ret_reason);
/* This machine's host name and kernel release, into buffers of at least 65 bytes. */
void wb_file_host(char *hostname, size_t hostname_size, char *release, size_t release_size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Files by pread or, where they are vouched for, by mmap; bytes in memory; sources of the caller. pread answers for a file that shrinks
 * with a short read, where a mapping would raise SIGBUS in the caller's process.
 */
#define _DEFAULT_SOURCE /* madvise: posix_madvise does not drop pages on Linux */
#include "base/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

struct wb_file {
	int fd;                       /* -1: not a file */
	uint64_t size, modified;
	const uint8_t *memory;        /* the whole, mapped or the caller's; NULL: read */
	bool mapped;
	void (*release)(void *arg);   /* of the caller's bytes */
	void *arg;
	struct wb_source source;      /* read != NULL: the caller's source */
};

enum wb_file_kind wb_file_kind(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return WB_FILE_KIND_NONE;
	if (S_ISREG(st.st_mode))
		return WB_FILE_KIND_REGULAR;
	return S_ISDIR(st.st_mode) ? WB_FILE_KIND_FOLDER : WB_FILE_KIND_OTHER;
}

static const char *reason_of(int error, const char *otherwise)
{
	switch (error) {
	case ENOENT: return "no such file";
	case ENOTDIR: return "a part of the path is not a folder";
	case EACCES: return "permission denied";
	case EISDIR: return "is a folder";
	case EMFILE:
	case ENFILE: return "too many open files";
	case ELOOP: return "too many links";
	case ENAMETOOLONG: return "name too long";
	case EEXIST: return "is there already";
	case ENOSPC:
	case EDQUOT: return "no space left on device";
	default: return otherwise;
	}
}

enum wb_err wb_file_open(const char *path, bool map, struct wb_file **ret_file, const char **ret_reason)
{
	const char *ignored, **reason = ret_reason ? ret_reason : &ignored;
	struct wb_file *file = wb_mem_zalloc(1, sizeof(*file));
	struct stat st;
	void *memory;

	*reason = "out of memory";
	if (!file)
		return WB_ERR_MEMORY;
	/* O_NONBLOCK: a fifo must not hang the open; what is not a regular file is refused right after. */
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->fd < 0 || fstat(file->fd, &st)) {
		*reason = reason_of(errno, "cannot be opened");
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		*reason = S_ISDIR(st.st_mode) ? "is a folder" : "not a regular file";
		goto out;
	}
	file->size = (uint64_t)st.st_size;
	file->modified = st.st_mtime > 0 ? (uint64_t)st.st_mtime : 0;
	if (map && file->size && file->size <= SIZE_MAX) {
		memory = mmap(NULL, (size_t)file->size, PROT_READ, MAP_PRIVATE, file->fd, 0);
		file->mapped = memory != MAP_FAILED;
		file->memory = file->mapped ? memory : NULL;
	}
	/* The mapping outlives it, and there may be thousands of mapped files, but not of descriptors. */
	if (file->mapped) {
		close(file->fd);
		file->fd = -1;
	}
	*ret_file = file;
	return WB_OK;
out:
	wb_file_free(file);
	return WB_ERR_IO;
}

enum wb_err wb_file_of_bytes(const void *bytes, size_t size, void (*release)(void *arg), void *arg, struct wb_file **ret_file)
{
	struct wb_file *file = wb_mem_zalloc(1, sizeof(*file));

	if (!file) {
		if (release)
			release(arg);
		return WB_ERR_MEMORY;
	}
	*file = (struct wb_file){ .fd = -1, .size = size, .memory = size ? bytes : (const void *)"", .release = release, .arg = arg };
	*ret_file = file;
	return WB_OK;
}

enum wb_err wb_file_of_source(const struct wb_source *source, struct wb_file **ret_file)
{
	struct wb_file *file = wb_mem_zalloc(1, sizeof(*file));

	if (!file) {
		if (source->release)
			source->release(source->arg);
		return WB_ERR_MEMORY;
	}
	*file = (struct wb_file){ .fd = -1, .size = source->length, .release = source->release, .arg = source->arg, .source = *source };
	*ret_file = file;
	return WB_OK;
}

struct part { struct wb_file *file; uint64_t offset; };

static enum wb_err read_part(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	const struct part *part = arg;
	enum wb_err err = wb_file_read(part->file, part->offset + offset, buffer, count);

	if (!err)
		*ret_got = count;
	return err;
}

static void release_part(void *arg)
{
	struct part *part = arg;

	wb_file_free(part->file);
	wb_mem_free(part);
}

enum wb_err wb_file_part(struct wb_file *file, uint64_t offset, uint64_t size, struct wb_file **ret_part)
{
	struct wb_source source = { .size = sizeof(source), .length = size, .read = read_part, .release = release_part };
	struct part *part = wb_mem_zalloc(1, sizeof(*part));
	enum wb_err err = !part ? WB_ERR_MEMORY : offset > file->size || file->size - offset < size || size > SIZE_MAX ? WB_ERR_DATA : WB_OK;

	if (err) {
		wb_mem_free(part);
		wb_file_free(file);
		return err;
	}
	*part = (struct part){ file, offset };
	source.arg = part;
	if (file->memory)
		err = wb_file_of_bytes(file->memory + offset, (size_t)size, release_part, part, ret_part);
	else
		err = wb_file_of_source(&source, ret_part);
	return err;
}

void wb_file_free(struct wb_file *file)
{
	if (!file)
		return;
	if (file->mapped)
		munmap((void *)(uintptr_t)file->memory, (size_t)file->size);
	if (file->fd >= 0)
		close(file->fd);
	if (file->release)
		file->release(file->arg);
	wb_mem_free(file);
}

uint64_t wb_file_size(const struct wb_file *file)
{
	return file->size;
}

uint64_t wb_file_modified(const struct wb_file *file)
{
	return file->modified;
}

const void *wb_file_memory(const struct wb_file *file)
{
	return file->memory;
}

static enum wb_err read_source(struct wb_file *file, uint64_t offset, uint8_t *buffer, size_t size)
{
	while (size) {
		size_t got = 0;
		enum wb_err err = file->source.read(file->arg, offset, buffer, size, &got);

		if (err < 0)
			return err;
		if (!got || got > size)
			return WB_ERR_DATA;
		offset += got;
		buffer += got;
		size -= got;
	}
	return WB_OK;
}

static enum wb_err read_fd(struct wb_file *file, uint64_t offset, uint8_t *buffer, size_t size)
{
	while (size) {
		ssize_t got = pread(file->fd, buffer, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return WB_ERR_IO;
		if (!got)
			return WB_ERR_DATA;
		offset += (uint64_t)got;
		buffer += got;
		size -= (size_t)got;
	}
	return WB_OK;
}

enum wb_err wb_file_read(struct wb_file *file, uint64_t offset, void *buffer, size_t size)
{
	if (offset > file->size || file->size - offset < size)
		return WB_ERR_DATA;
	if (file->memory) {
		memcpy(buffer, file->memory + offset, size);
		return WB_OK;
	}
	return file->source.read ? read_source(file, offset, buffer, size) : read_fd(file, offset, buffer, size);
}

void wb_file_forget(struct wb_file *file, uint64_t offset, uint64_t size)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start, end;

	if (!file->mapped || offset > file->size)
		return;
	/* Outwards to whole pages: a private mapping that is only read loses nothing by it, pages still in use just come back. */
	start = offset / page * page;
	end = size < file->size - offset ? offset + size : file->size;
	(void)madvise((uint8_t *)(uintptr_t)file->memory + start, (size_t)(end - start), MADV_DONTNEED);
}

#ifdef MADV_HUGEPAGE
static void advise_large(void *start, size_t size)
{
	(void)madvise(start, size, MADV_HUGEPAGE);
}
#else
static void advise_large(void *start, size_t size)
{
	(void)start;
	(void)size;
}
#endif

void wb_file_expect(void *memory, size_t size)
{
	const uintptr_t large = WB_FILE_LARGE_PAGE;
	uintptr_t at = (uintptr_t)memory, start = (at + large - 1) / large * large, end = (at + size) / large * large;

	/* Inwards: a large page that is half ours would keep memory that nobody uses. */
	if (size >= large && start < end)
		advise_large((uint8_t *)memory + (start - at), end - start);
}

/* Of Linux since 5.14; older ones refuse them, and pages come when they are touched. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static void prepare(uintptr_t start, uintptr_t end, int advice)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	start = (start + page - 1) / page * page;
	end = end / page * page;
	if (start < end)
		(void)madvise((void *)start, end - start, advice);
}

void wb_file_prepare(void *memory, size_t size)
{
	prepare((uintptr_t)memory, (uintptr_t)memory + size, MADV_POPULATE_WRITE);
}

void wb_file_prepare_reading(struct wb_file *file, uint64_t offset, uint64_t size)
{
	uintptr_t memory = (uintptr_t)file->memory;

	if (file->mapped && offset <= file->size && size <= file->size - offset)
		prepare(memory + (uintptr_t)offset, memory + (uintptr_t)(offset + size), MADV_POPULATE_READ);
}

enum wb_err wb_file_piece(struct wb_file *file, uint64_t offset, uint64_t size, struct wb_piece *ret_piece)
{
	enum wb_err err;
	void *copy;

	if (offset > file->size || file->size - offset < size || size > SIZE_MAX)
		return WB_ERR_DATA;
	if (file->memory) {
		*ret_piece = (struct wb_piece){ file->memory + offset, (size_t)size, NULL };
		return WB_OK;
	}
	copy = wb_mem_alloc((size_t)size);
	if (!copy)
		return WB_ERR_MEMORY;
	err = wb_file_read(file, offset, copy, (size_t)size);
	if (err) {
		wb_mem_free(copy);
		return err;
	}
	*ret_piece = (struct wb_piece){ copy, (size_t)size, copy };
	return WB_OK;
}

enum wb_err wb_piece_own(struct wb_piece *piece)
{
	if (piece->owned)
		return WB_OK;
	piece->owned = wb_mem_dup(piece->bytes, piece->size);
	if (!piece->owned)
		return WB_ERR_MEMORY;
	piece->bytes = piece->owned;
	return WB_OK;
}

void wb_piece_deinit(struct wb_piece *piece)
{
	wb_mem_free(piece->owned);
	*piece = (struct wb_piece){ NULL, 0, NULL };
}

enum wb_err wb_file_make_folder(const char *path)
{
	return mkdir(path, 0777) ? WB_ERR_IO : WB_OK;
}

enum wb_err wb_file_write_new(const char *path, const void *bytes, size_t size, const char **ret_reason)
{
	const uint8_t *at = bytes;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), error = fd < 0 ? errno : 0;

	while (size && !error) {
		ssize_t written = write(fd, at, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			error = errno;
		} else {
			at += written;
			size -= (size_t)written;
		}
	}
	if (fd >= 0 && close(fd) && !error)
		error = errno;
	if (!error)
		return WB_OK;
	*ret_reason = reason_of(error, "cannot be written");
	return WB_ERR_IO;
}

static void copy_name(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = 0;
}

void wb_file_host(char *hostname, size_t hostname_size, char *release, size_t release_size)
{
	struct utsname name;

	if (uname(&name)) {
		*hostname = *release = 0;
		return;
	}
	copy_name(hostname, hostname_size, name.nodename);
	copy_name(release, release_size, name.release);
}

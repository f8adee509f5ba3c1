/* SPDX-License-Identifier: MIT */
/*
 * Loaded before the C library (LD_PRELOAD), it makes reads, mappings and writes of one file go wrong. By the environment:
 *     FAULT_FILE   what the file's path must contain
 *     FAULT_NTH    from which call on it happens, counted from 1
 *                  (a file system need not map files: reads are tested by refusing it)
 *     FAULT        error: reads fail; short: they give half; empty: nothing; change: other bytes;
 *                  shrink: the file is cut to half its size after it was mapped or before it is read; full: writes find no room
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static unsigned long calls;

/* Whether it is the file; path becomes its path. */
static bool is_file(int fd, char *path, size_t size)
{
	const char *file = getenv("FAULT_FILE");
	char name[64];
	ssize_t length;

	if (!file || fd < 0)
		return false;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	length = readlink(name, path, size - 1);
	if (length < 0)
		return false;
	path[length] = '\0';
	return strstr(path, file);
}

/* The fault that this call has; "": none. */
static const char *fault_of(int fd, char *path, size_t size)
{
	const char *nth = getenv("FAULT_NTH"), *fault = getenv("FAULT");

	if (!nth || !fault || !is_file(fd, path, size))
		return "";
	return __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) < strtoul(nth, NULL, 10) ? "" : fault;
}

static void shrink(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && truncate(path, st.st_size / 2) != 0)
		perror(path);
}

static ssize_t faulty_read(int fd, void *buffer, size_t count, off_t offset)
{
	char path[4096];
	const char *fault = fault_of(fd, path, sizeof(path));
	ssize_t got;

	if (!strcmp(fault, "error")) {
		errno = EIO;
		return -1;
	}
	if (!strcmp(fault, "empty"))
		return 0;
	if (!strcmp(fault, "shrink"))
		shrink(path);
	if (!strcmp(fault, "short") && count > 1)
		count /= 2;
	got = syscall(SYS_pread64, fd, buffer, count, offset);
	for (ssize_t i = 0; !strcmp(fault, "change") && i < got; i += 61)
		((unsigned char *)buffer)[i] ^= 0x5a;
	return got;
}

static void *faulty_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	const char *fault = getenv("FAULT");
	char path[4096];
	void *memory;

	if (fault && strcmp(fault, "shrink") != 0 && is_file(fd, path, sizeof(path))) {
		errno = ENODEV;
		return MAP_FAILED;
	}
	memory = (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
	if (memory != MAP_FAILED && !strcmp(fault_of(fd, path, sizeof(path)), "shrink"))
		shrink(path);
	return memory;
}

/* Seen from outside, by the names that the C library gives them for files of 64 bits. */
#define SEEN __attribute__((visibility("default")))

SEEN ssize_t pread(int fd, void *buffer, size_t count, off_t offset)
{
	return faulty_read(fd, buffer, count, offset);
}

SEEN void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	return faulty_mmap(address, size, protection, flags, fd, offset);
}

SEEN ssize_t write(int fd, const void *buffer, size_t count)
{
	char path[4096];

	if (!strcmp(fault_of(fd, path, sizeof(path)), "full")) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_write, fd, buffer, count);
}

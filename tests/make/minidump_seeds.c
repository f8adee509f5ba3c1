/* SPDX-License-Identifier: MIT */
/* Makes the seeds of fuzz_minidump. usage: minidump_seeds FOLDER */
#include "unit/minidump_make.h"

#include <stdio.h>

static struct minidump_make made;

static void save(const char *folder, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!file || fwrite(made.bytes, 1, made.size, file) != made.size || fclose(file))
		exit(1);
}

static void make_windows_dump(void)
{
	static const uint8_t record[] = "RSDS0123456789abcdef\1\0\0\0c:\\app.pdb";
	static const uint64_t write[] = { 1, 0x45 };
	struct make_thread thread = { .tid = 7, .context_size = 716 };
	uint32_t name, at;

	make_begin(&made, false);
	name = make_string(&made, "c:\\app.exe");
	at = make_bytes(&made, record, sizeof(record));
	thread.context = (uint32_t)make_room(&made, thread.context_size);
	make_uint(&made, thread.context + 0xb8, 0x11000, 4);
	make_system(&made, 0, 2, 0);
	make_threads(&made, &thread, 1, false);
	make_stream(&made, 4);
	make_u32(&made, 1);
	make_module(&made, 0x10000, 0x3000, 1, name, at, sizeof(record));
	make_end_stream(&made);
	make_stream(&made, 14);
	make_u32(&made, 12);
	make_u32(&made, 24);
	make_u32(&made, 1);
	make_u64(&made, 0x20000);
	make_u32(&made, 0x1000);
	make_u64(&made, 1);
	make_u32(&made, name);
	make_end_stream(&made);
	make_stream(&made, 16);
	make_u32(&made, 16);
	make_u32(&made, 48);
	make_u64(&made, 1);
	make_u64(&made, 0x11000);
	make_u64(&made, 0x10000);
	make_u64(&made, 0x20);
	make_u64(&made, 0x1000);
	make_u32(&made, 0x1000);
	make_u32(&made, 0x20);
	make_u64(&made, 0);
	make_end_stream(&made);
	make_exception(&made, 7, 0xc0000005, 0, 0x11000, write, 2, 0, 0);
	make_end(&made);
}

/* Crashpad's annotations: of the process, and of a module as pairs and as objects. */
static void make_crashpad_dump(void)
{
	uint32_t key, value, pairs, objects, module, list;

	make_begin(&made, false);
	key = (uint32_t)made.size;
	make_u32(&made, 3);
	make_bytes(&made, "key", 4);
	value = (uint32_t)made.size;
	make_u32(&made, 5);
	make_bytes(&made, "value", 6);
	pairs = (uint32_t)made.size;
	make_u32(&made, 1);
	make_u32(&made, key);
	make_u32(&made, value);
	objects = (uint32_t)made.size;
	make_u32(&made, 1);
	make_u32(&made, key);
	make_u32(&made, 1);
	make_u32(&made, value);
	module = (uint32_t)made.size;
	make_u32(&made, 1);
	make_u64(&made, 0);
	make_u32(&made, 12);
	make_u32(&made, pairs);
	make_u32(&made, 16);
	make_u32(&made, objects);
	list = (uint32_t)made.size;
	make_u32(&made, 1);
	make_u32(&made, 0);
	make_u32(&made, 28);
	make_u32(&made, module);
	make_system(&made, 12, 0x8101, 0);
	make_stream(&made, 0x43500001);
	make_u32(&made, 1);
	make_room(&made, 32);
	make_u32(&made, 12);
	make_u32(&made, pairs);
	make_u32(&made, 16);
	make_u32(&made, list);
	make_end_stream(&made);
	make_end(&made);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	make_linux_dump(&made, false);
	save(argv[1], "linux.dmp");
	make_linux_dump(&made, true);
	save(argv[1], "linux_memory64.dmp");
	make_windows_dump();
	save(argv[1], "windows.dmp");
	make_crashpad_dump();
	save(argv[1], "crashpad.dmp");
	return 0;
}

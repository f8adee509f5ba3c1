/* SPDX-License-Identifier: MIT */
/*
 * Modules of a minidump and who they are. A module's CodeView record tells the build: PDB 7.0 (GUID and age; Breakpad's writers put the first 16 bytes of
 * an ELF build id, or a Mach-O UUID there), PDB 2.0 (time stamp and age), or an ELF build id in full ("BpEL").
 */
#include "formats/capture_minidump.h"

#include "base/mem.h"
#include "formats/debug_id.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	MODULE_SIZE = 108,
	RSDS = 0x53445352, NB10 = 0x3031424e, BPEL = 0x4270454c, /* signatures of CodeView records */
	RECORD_MAX = 64 << 10,        /* bytes of a CodeView record: a path, mostly */
	GUID_SIZE = WB_GUID_SIZE,
	BUILD_ID_MAX = 64,
};

/* What tells a module's build. */
struct build {
	uint8_t id[BUILD_ID_MAX];     /* as its file has it */
	size_t id_size;
	char debug_id[2 * BUILD_ID_MAX + 16], code_id[2 * BUILD_ID_MAX + 1];
	const char *debug_file;
};

static void put_hex(char *text, const uint8_t *bytes, size_t size, const char *format)
{
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, format, bytes[i]);
}

static void store_be32(uint8_t *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* PDB 7.0. What the GUID means is the system's. */
static void identify_guid(const struct wb_minidump *m, const uint8_t *guid, uint32_t age, struct build *build)
{
	uint8_t written[GUID_SIZE];

	wb_guid_order(guid, written);
	wb_debug_id_of_guid(guid, age, build->debug_id);
	build->id_size = GUID_SIZE;
	switch (m->platform.os) {
	case WB_OS_WINDOWS:
		memcpy(build->id, written, GUID_SIZE);
		store_be32(build->id + GUID_SIZE, age);
		build->id_size += 4;
		break;
	case WB_OS_MACOS:
		memcpy(build->id, written, GUID_SIZE);
		break;
	default:
		memcpy(build->id, guid, GUID_SIZE);
		break;
	}
}

/* An ELF build id. */
static void identify_elf(const uint8_t *id, size_t size, struct build *build)
{
	build->id_size = size < BUILD_ID_MAX ? size : BUILD_ID_MAX;
	memcpy(build->id, id, build->id_size);
	wb_debug_id_of_build_id(id, size, build->debug_id);
}

static enum wb_err keep_name(struct wb_minidump *m, struct wb_bytes *b, const char **ret_name)
{
	size_t left = wb_bytes_left(b);
	struct wb_out out = { 0 };

	wb_out_bytes(&out, (const char *)b->at, strnlen((const char *)b->at, left));
	*ret_name = wb_minidump_keep_out(m, &out);
	return *ret_name ? WB_OK : WB_ERR_MEMORY;
}

static enum wb_err read_codeview(struct wb_minidump *m, struct wb_bytes *b, struct build *build)
{
	const uint8_t *guid;
	uint32_t stamp;

	switch (wb_bytes_u32(b)) {
	case RSDS:
		guid = wb_bytes_take(b, GUID_SIZE);
		if (!guid)
			return WB_OK;
		identify_guid(m, guid, wb_bytes_u32(b), build);
		return keep_name(m, b, &build->debug_file);
	case NB10:
		wb_bytes_skip(b, 4);
		stamp = wb_bytes_u32(b);
		snprintf(build->debug_id, sizeof(build->debug_id), "%08X%X", (unsigned)stamp, (unsigned)wb_bytes_u32(b));
		return keep_name(m, b, &build->debug_file);
	case BPEL:
		identify_elf(b->at, wb_bytes_left(b), build);
		return WB_OK;
	default:
		return WB_OK;
	}
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static enum wb_err identify(struct wb_minidump *m, struct wb_minidump_location record, uint32_t stamp, uint32_t size, struct build *build)
{
	struct wb_piece piece;
	struct wb_bytes b;
	enum wb_err err;

	build->debug_file = "";
	if (record.size && record.size <= RECORD_MAX) {
		err = wb_minidump_piece(m, record.offset, record.size, "modules' build records", &piece);
		if (err < 0)
			return err;
		if (!err) {
			b = wb_bytes_of(piece.bytes, piece.size, m->big_endian);
			err = read_codeview(m, &b, build);
			wb_piece_deinit(&piece);
			if (err)
				return err;
		}
	}
	if (is_zero(build->id, build->id_size))
		build->id_size = 0;
	if (m->platform.os == WB_OS_WINDOWS) {
		snprintf(build->code_id, sizeof(build->code_id), "%x%x", (unsigned)stamp, (unsigned)size);
		if (!build->id_size && stamp) {
			store_be32(build->id, stamp);
			store_be32(build->id + 4, size);
			build->id_size = 8;
		}
	} else {
		put_hex(build->code_id, build->id, build->id_size, "%02x");
	}
	return WB_OK;
}

static const char *keep_copy(struct wb_minidump *m, const char *text)
{
	return *text ? wb_minidump_keep(m, wb_mem_strdup(text)) : "";
}

/* VS_FIXEDFILEINFO (verrsrc.h): its signature, then, after its own version, the file's. */
static const char *read_version(struct wb_minidump *m, struct wb_bytes *b)
{
	uint32_t signature, high, low;
	struct wb_bytes info = wb_bytes_sub(b, 52);
	char text[64];

	signature = wb_bytes_u32(&info);
	wb_bytes_skip(&info, 4);
	high = wb_bytes_u32(&info);
	low = wb_bytes_u32(&info);
	if (signature != 0xfeef04bd || (!high && !low))
		return "";
	/* Breakpad's writers put four numbers of macOS there, three of them used. */
	snprintf(text, sizeof(text), "%u.%u.%u.%u", (unsigned)(high >> 16), (unsigned)(high & 0xffff), (unsigned)(low >> 16), (unsigned)(low & 0xffff));
	return keep_copy(m, text);
}

static enum wb_err make_image(struct wb_minidump *m, struct wb_dump_module *module, const struct build *build)
{
	struct wb_identity identity = { .size = sizeof(identity), .platform = m->platform, .path = module->path,
	                                .build_id = build->id_size ? build->id : NULL, .build_id_size = build->id_size,
	                                .debug_path = module->debug_file, .debug_id = module->debug_id };

	return wb_image_new(m->input->session, &identity, &module->image);
}

static enum wb_err read_module(struct wb_minidump *m, struct wb_bytes *b, struct wb_dump_module *module)
{
	struct wb_minidump_location record;
	uint32_t size, stamp, name;
	struct build build = { .id_size = 0 };
	enum wb_err err;

	*module = (struct wb_dump_module){ .size = sizeof(*module), .start = wb_bytes_u64(b) };
	size = wb_bytes_u32(b);
	module->end = module->start <= UINT64_MAX - size ? module->start + size : UINT64_MAX;
	wb_bytes_skip(b, 4);
	stamp = wb_bytes_u32(b);
	name = wb_bytes_u32(b);
	module->version = read_version(m, b);
	record.size = wb_bytes_u32(b);
	record.offset = wb_bytes_u32(b);
	wb_bytes_skip(b, 24);
	err = wb_minidump_string(m, name, &module->path);
	if (!err)
		err = identify(m, record, stamp, size, &build);
	if (err)
		return err;
	module->debug_file = *build.debug_file || !*module->path ? build.debug_file : m->platform.os == WB_OS_WINDOWS ? "" : module->path;
	module->debug_id = keep_copy(m, build.debug_id);
	module->code_id = keep_copy(m, build.code_id);
	if (!module->version || !module->debug_id || !module->code_id)
		return WB_ERR_MEMORY;
	return make_image(m, module, &build);
}

static int compare_starts(const void *a, const void *b)
{
	uint64_t x = (*(const struct wb_dump_module *const *)a)->start, y = (*(const struct wb_dump_module *const *)b)->start;

	return x < y ? -1 : x > y;
}

static enum wb_err list_modules(struct wb_minidump *m)
{
	m->listed = wb_mem_zalloc(m->num_modules, sizeof(*m->listed));
	m->by_start = wb_mem_zalloc(m->num_modules, sizeof(const struct wb_dump_module *));
	if (!m->listed || !m->by_start)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < m->num_modules; i++)
		m->by_start[i] = &m->modules[i];
	if (m->num_modules)
		qsort(m->by_start, m->num_modules, sizeof(const struct wb_dump_module *), compare_starts);
	for (size_t i = 0; i < m->num_modules; i++)
		m->listed[i] = (struct wb_capture_module){ m->modules[i].image, m->modules[i].start, m->modules[i].path, m->pid, NULL };
	return WB_OK;
}

enum wb_err wb_minidump_read_modules(struct wb_minidump *m, struct wb_bytes *b)
{
	uint32_t count = wb_bytes_u32(b);
	enum wb_err err = WB_OK;

	if (wb_bytes_left(b) >= 4 && wb_bytes_left(b) % MODULE_SIZE == 4)
		wb_bytes_skip(b, 4);
	if (count > wb_bytes_left(b) / MODULE_SIZE) {
		wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "the list of modules is shorter than it says");
		count = (uint32_t)(wb_bytes_left(b) / MODULE_SIZE);
	}
	m->modules = wb_mem_zalloc(count, sizeof(*m->modules));
	if (!m->modules)
		return WB_ERR_MEMORY;
	for (uint32_t i = 0; i < count && !err; i++)
		err = read_module(m, b, &m->modules[m->num_modules++]);
	if (err)
		return err;
	/* The program itself comes first. */
	if (m->num_modules)
		m->program = wb_out_basename(m->modules[0].path);
	return list_modules(m);
}

enum wb_err wb_minidump_read_unloaded(struct wb_minidump *m, struct wb_bytes *b)
{
	uint32_t header = wb_bytes_u32(b), entry = wb_bytes_u32(b), count = wb_bytes_u32(b);
	enum wb_err err = WB_OK;

	if (entry < 24 || !wb_bytes_seek(b, header))
		return WB_OK;
	if (count > wb_bytes_left(b) / entry)
		count = (uint32_t)(wb_bytes_left(b) / entry);
	m->unloaded = wb_mem_zalloc(count, sizeof(*m->unloaded));
	if (!m->unloaded)
		return WB_ERR_MEMORY;
	for (uint32_t i = 0; i < count && !err; i++) {
		struct wb_dump_module *module = &m->unloaded[m->num_unloaded++];
		struct wb_bytes one = wb_bytes_sub(b, entry);
		char code_id[24];
		uint32_t size, stamp;

		*module = (struct wb_dump_module){ .size = sizeof(*module), .start = wb_bytes_u64(&one), .version = "", .debug_file = "", .debug_id = "" };
		size = wb_bytes_u32(&one);
		module->end = module->start <= UINT64_MAX - size ? module->start + size : UINT64_MAX;
		wb_bytes_skip(&one, 4);
		stamp = wb_bytes_u32(&one);
		snprintf(code_id, sizeof(code_id), "%x%x", (unsigned)stamp, (unsigned)size);
		module->code_id = keep_copy(m, code_id);
		err = wb_minidump_string(m, wb_bytes_u32(&one), &module->path);
		if (!module->code_id)
			err = WB_ERR_MEMORY;
	}
	return err;
}

/* SPDX-License-Identifier: MIT */
/* For the tests of images: small files made in memory, and a finder that offers what the test says. */
#ifndef TESTS_UNIT_IMAGE_MADE_H
#define TESTS_UNIT_IMAGE_MADE_H

#include "test.h"

#include "elf_make.h"
#include "model/image.h"
#include "model/session.h"

static const uint8_t id_a[20] = { 0xaa, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 };
static const uint8_t id_b[20] __attribute__((unused)) = { 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 };
static const uint8_t code[64] = { 0x55, 0x48, 0x89, 0xe5, 0x5d, 0xc3 };

static inline struct wb_session *new_session(bool trust)
{
	struct wb_session_opts opts = { .size = sizeof opts, .trust_unverified = trust };
	struct wb_session *session = NULL;

	if (wb_session_new(&opts, &session) != WB_OK)
		exit(1);
	return session;
}

/* ---- Files that are made here ------------------------------------------------------------------------------------------- */

enum made { EXECUTABLE, DEBUG_FILE, OTHER_MACHINE, CUT };

/* An x86-64 file with three functions; freed by the caller. */
static inline uint8_t *make_file(enum made what, const uint8_t *id, const char *debuglink, uint32_t crc, size_t *ret_size)
{
	static const char strings[] = "\0outer\0inner\0last";
	uint8_t note[64], symbols[4 * 24], link[64] = { 0 };
	bool is_debug = what == DEBUG_FILE;
	struct elf_make m;

	elf_make_init(&m, true, false, 3, what == OTHER_MACHINE ? 183 : 62);
	if (id)
		elf_make_section(&m, ".note.gnu.build-id", 7, 2, 0x200, note, elf_make_build_id(&m, note, id, 20));
	unsigned text = elf_make_section(&m, ".text", is_debug ? 8 : 1, 6, 0x1000, code, sizeof code);
	elf_make_symbol(&m, symbols, 0, 0, 0, 0, 0);
	elf_make_symbol(&m, symbols + 24, 1, 0x12, (uint16_t)text, 0x1000, 0x20);
	elf_make_symbol(&m, symbols + 48, 7, 0x12, (uint16_t)text, 0x1008, 0x8);
	elf_make_symbol(&m, symbols + 72, 13, 0x12, (uint16_t)text, 0x1030, 0);
	elf_make_section(&m, ".init", is_debug ? 8 : 1, 6, 0x2000, code, 0x17);
	unsigned symtab = elf_make_section(&m, ".symtab", 2, 0, 0, symbols, sizeof symbols);
	m.sections[symtab].link = elf_make_section(&m, ".strtab", 3, 0, 0, strings, sizeof strings);
	if (is_debug)
		elf_make_section(&m, ".debug_info", 1, 0, 0, code, sizeof code);
	if (debuglink) {
		size_t name = (strlen(debuglink) + 4) & ~(size_t)3;
		strcpy((char *)link, debuglink);
		elf_make_store(&m, link + name, crc, 4);
		elf_make_section(&m, ".gnu_debuglink", 1, 0, 0, link, name + 4);
	}
	elf_make_segment(&m, 1, 5, text, text);
	uint8_t *bytes = elf_make_finish(&m, ret_size);
	if (what == CUT)
		*ret_size = 40;
	return bytes;
}

static inline const char *write_made(const char *name, enum made what, const uint8_t *id, const char *debuglink, uint32_t crc)
{
	const char *path = test_tmp(name);
	size_t size;
	uint8_t *bytes = make_file(what, id, debuglink, crc, &size);

	test_write_file(path, bytes, size);
	free(bytes);
	return path;
}

/* ---- A finder that says what the test wants -------------------------------------------------------------------------------- */

struct script {
	struct { enum wb_file_role role; const char *path; bool on_host, forced; } offers[4];
	size_t count;
	atomic_uint asked;
	atomic_bool later;
	struct wb_file_query last;
	bool released;
};

static inline enum wb_err find_scripted(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	struct script *script = arg;

	atomic_fetch_add(&script->asked, 1);
	if (atomic_load(&script->later))
		return WB_LATER;
	for (size_t i = 0; i < script->count; i++) {
		if (script->offers[i].role != query->role || nth--)
			continue;
		snprintf(ret_candidate->path, sizeof ret_candidate->path, "%s", script->offers[i].path);
		ret_candidate->on_host = script->offers[i].on_host;
		ret_candidate->forced = script->offers[i].forced;
		return WB_OK;
	}
	return WB_NONE;
}

static inline struct wb_image *new_image(struct wb_session *session, const char *path, const uint8_t *id)
{
	struct wb_identity identity = { .size = sizeof identity, .platform = { .arch = WB_ARCH_X86_64 }, .path = path, .build_id = id,
	                                .build_id_size = id ? 20 : 0 };
	struct wb_image *image = NULL;

	if (wb_image_new(session, &identity, &image) != WB_OK)
		exit(1);
	return image;
}

#endif

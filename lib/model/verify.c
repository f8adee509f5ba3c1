/* SPDX-License-Identifier: MIT */
/* Verdicts on files: by build id, else by the debug link's CRC, else there is nothing to compare, and trust decides. */
#include "model/verify.h"

#include "base/inflate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	CRC_STEP = 16 << 10,          /* bytes read at a time */
	BUILD_ID_MIN = 8,             /* bytes that must be there before a tail of zeros may be padding */
	GUID_SIZE = 16,               /* bytes of an id that older minidumps have room for */
	HEX_MAX = 64,                 /* bytes of a build id in messages */
};

const char *wb_verdict_text(enum wb_verdict verdict)
{
	switch (verdict) {
	case WB_VERDICT_NOT_TRIED: return "not tried";
	case WB_VERDICT_MATCHED: return "matched";
	case WB_VERDICT_UNVERIFIABLE: return "unverifiable";
	case WB_VERDICT_MISMATCHED: return "mismatched";
	case WB_VERDICT_FORCED: return "forced";
	case WB_VERDICT_MISSING: return "missing";
	case WB_VERDICT_MALFORMED: return "malformed";
	}
	return "unknown";
}

bool wb_build_id_matches(const uint8_t *wanted, size_t wanted_size, const uint8_t *had, size_t had_size)
{
	if (!wanted_size || !had_size)
		return false;
	if (wanted_size == GUID_SIZE && had_size > GUID_SIZE)
		had_size = GUID_SIZE;
	if (had_size > wanted_size || memcmp(wanted, had, had_size))
		return false;
	if (had_size < wanted_size && had_size < BUILD_ID_MIN)
		return false;
	for (size_t i = had_size; i < wanted_size; i++) {
		if (wanted[i])
			return false;
	}
	return true;
}

static bool arch_fits(enum wb_arch wanted, enum wb_arch had)
{
	return wanted == had || wanted == WB_ARCH_UNKNOWN || had == WB_ARCH_UNKNOWN ||
	       (wanted == WB_ARCH_X86_64 && had == WB_ARCH_X86) || (wanted == WB_ARCH_AARCH64 && had == WB_ARCH_ARM);
}

bool wb_platform_fits(const struct wb_platform *wanted, const struct wb_platform *had)
{
	/* Where the machine is unknown, so is its byte order. */
	if (wanted->arch == WB_ARCH_UNKNOWN || had->arch == WB_ARCH_UNKNOWN)
		return true;
	return arch_fits(wanted->arch, had->arch) && wanted->big_endian == had->big_endian;
}

enum wb_err wb_file_crc32(struct wb_file *file, uint32_t *ret_crc)
{
	uint64_t size = wb_file_size(file);
	uint32_t crc = 0;
	uint8_t step[CRC_STEP];

	for (uint64_t at = 0; at < size;) {
		size_t count = size - at < sizeof(step) ? (size_t)(size - at) : sizeof(step);
		enum wb_err err = wb_file_read(file, at, step, count);

		if (err)
			return err;
		crc = wb_crc32(crc, step, count);
		at += count;
	}
	*ret_crc = crc;
	return WB_OK;
}

static const char *hex(const uint8_t *bytes, size_t size, char text[2 * HEX_MAX + 1])
{
	size = size < HEX_MAX ? size : HEX_MAX;
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	text[2 * size] = 0;
	return text;
}

static void mismatch(const struct wb_object *object, const char *text, struct wb_judgement *judgement)
{
	wb_diag_report(object->diags, WB_OK, WB_DIAG_FILE_MISMATCHED, object->path, "", UINT64_MAX, "%s", text);
	judgement->verdict = WB_VERDICT_MISMATCHED;
	snprintf(judgement->reason, sizeof(judgement->reason), "%s", text);
}

/* Perf maps and kernel symbols, whose addresses are the process's, and Breakpad's files. */
static bool is_symbols(const struct wb_object *object)
{
	return object->absolute || object->debug_id;
}

static bool has_debug_information(const struct wb_object *object)
{
	static const char *const any_of[] = { ".debug_info", ".debug_line", ".symtab", ".debug_frame", ".gnu_debugaltlink" };
	size_t index;

	for (size_t i = 0; i < sizeof(any_of) / sizeof(any_of[0]); i++) {
		if (wb_object_find_section(object, any_of[i], &index) == WB_OK)
			return true;
	}
	return false;
}

/* Compares what there is to compare. */
static enum wb_err compare(const struct wb_wants *wants, struct wb_object *object, struct wb_judgement *judgement)
{
	char text[WB_REFUSAL_REASON_SIZE], wanted[2 * HEX_MAX + 1], had[2 * HEX_MAX + 1];
	uint32_t crc;
	enum wb_err err;

	judgement->verdict = WB_VERDICT_MATCHED;
	if (wb_build_id_matches(wants->build_id, wants->build_id_size, object->code_id, object->code_id_size))
		return WB_OK;
	if (object->debug_id && wants->debug_id && *wants->debug_id) {
		if (!strcmp(object->debug_id, wants->debug_id))
			return WB_OK;
		snprintf(text, sizeof(text), "symbols of build %.64s, wanted %.64s", object->debug_id, wants->debug_id);
		mismatch(object, text, judgement);
		return WB_OK;
	}
	if (wants->build_id_size && object->build_id_size) {
		if (wb_build_id_matches(wants->build_id, wants->build_id_size, object->build_id, object->build_id_size))
			return WB_OK;
		snprintf(text, sizeof(text), "build id %s, wanted %s", hex(object->build_id, object->build_id_size, had),
		         hex(wants->build_id, wants->build_id_size, wanted));
		mismatch(object, text, judgement);
		return WB_OK;
	}
	judgement->verdict = WB_VERDICT_UNVERIFIABLE;
	/* Writers that do not know it leave 0. */
	if (!wants->has_crc || wants->crc == 0 || !object->file)
		return WB_OK;
	err = wb_file_crc32(object->file, &crc);
	if (err)
		return wb_diag_report(object->diags, err, WB_DIAG_FILE_UNREADABLE, object->path, "", UINT64_MAX, "not readable to its end");
	judgement->verdict = WB_VERDICT_MATCHED;
	if (crc == wants->crc)
		return WB_OK;
	snprintf(text, sizeof(text), "CRC 0x%08x, the debug link says 0x%08x", (unsigned)crc, (unsigned)wants->crc);
	mismatch(object, text, judgement);
	return WB_OK;
}

static const char *say_times(const struct wb_wants *wants, const struct wb_object *object, char text[WB_REFUSAL_REASON_SIZE])
{
	snprintf(text, WB_REFUSAL_REASON_SIZE, "modified at %" PRIu64 ", linked when that was %" PRIu64, object->modified, wants->modified);
	return text;
}

enum wb_err wb_verify(const struct wb_wants *wants, struct wb_object *object, const struct wb_candidate *candidate, bool trust_unverified,
                      struct wb_judgement *ret_judgement)
{
	/* Split units carry an id of their own, which their reader compares. */
	bool checked_later = wants->role == WB_FILE_DWO || wants->role == WB_FILE_DWP;
	struct wb_judgement judgement = { .verdict = WB_VERDICT_FORCED };
	char times[WB_REFUSAL_REASON_SIZE];
	const char *text;
	enum wb_err err = WB_OK;

	if (candidate->forced)
		judgement.verdict = WB_VERDICT_FORCED;
	else if (!wb_platform_fits(&wants->platform, &object->platform))
		mismatch(object, "built for another architecture", &judgement);
	else if (is_symbols(object) != (wants->role == WB_FILE_SYMBOLS))
		mismatch(object, is_symbols(object) ? "symbols, where an object file is wanted" : "an object file, where symbols are wanted", &judgement);
	else if (wants->role == WB_FILE_EXECUTABLE && object->is_debug_only)
		mismatch(object, "a debug file, where the executable is wanted", &judgement);
	else if (wants->role == WB_FILE_DEBUG && !has_debug_information(object))
		mismatch(object, "no debug information in it", &judgement);
	else if (wants->modified && object->modified && wants->modified != object->modified)
		mismatch(object, say_times(wants, object, times), &judgement);
	else
		err = compare(wants, object, &judgement);
	if (err)
		return err;
	judgement.use = judgement.verdict == WB_VERDICT_MATCHED || judgement.verdict == WB_VERDICT_FORCED ||
	                (judgement.verdict == WB_VERDICT_UNVERIFIABLE && (checked_later || !candidate->on_host || trust_unverified));
	if (judgement.verdict == WB_VERDICT_UNVERIFIABLE && !checked_later) {
		text = judgement.use ? "used, though nothing tells whether it is the right build" :
		                       "not used: nothing tells whether it is the right build";
		wb_diag_report(object->diags, WB_OK, WB_DIAG_FILE_UNVERIFIED, object->path, "", UINT64_MAX, "%s", text);
		snprintf(judgement.reason, sizeof(judgement.reason), "%s", "nothing tells whether it is the right build");
	}
	*ret_judgement = judgement;
	return WB_OK;
}

/* SPDX-License-Identifier: MIT */
/* Walkers: options, their life, and the texts of stops. */
#include "unwind/walker.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/session.h"

#include <string.h>

enum {
	MAX_FRAMES_DEFAULT = 65536,
	ROWS_DEFAULT = 65536,         /* 4 MiB, of which only what is used is touched: a recording of a large program has some ten thousand call sites */
	ROWS_BITS_MAX = 24,
	SCAN_WORDS_DEFAULT = 512,
};

/* What `auto` means. */
static const enum wb_how auto_strategies[] = { WB_HOW_GO, WB_HOW_COMPACT, WB_HOW_CFI, WB_HOW_WINDOWS, WB_HOW_BREAKPAD, WB_HOW_CODE, WB_HOW_EHABI, WB_HOW_LEAF, WB_HOW_FRAME_POINTER };

static enum wb_err take_strategies(struct wb_walker *w, const enum wb_how *strategies, size_t count)
{
	if (!strategies) {
		strategies = auto_strategies;
		count = sizeof(auto_strategies) / sizeof(auto_strategies[0]);
	}
	if (count > WB_STRATEGIES_MAX)
		return WB_ERR_ARGUMENT;
	for (size_t i = 0; i < count; i++) {
		w->strategies[i] = wb_strategy(strategies[i]);
		if (!w->strategies[i])
			return WB_ERR_UNSUPPORTED;
		w->hows[i] = (uint8_t)strategies[i];
	}
	w->num_strategies = count;
	return WB_OK;
}

static enum wb_err walker_init(struct wb_walker *w, const struct wb_walker_opts *opts)
{
	uint32_t wanted = opts->row_cache_entries ? opts->row_cache_entries : ROWS_DEFAULT, bits = 4;

	while (bits < ROWS_BITS_MAX && (UINT32_C(1) << bits) < wanted)
		bits++;
	w->row_mask = (UINT64_C(1) << bits) - 1;
	w->rows = wb_mem_zalloc((size_t)1 << bits, sizeof(*w->rows));
	w->code_memo = wb_code_memo_new();
	if (!w->rows || !w->code_memo)
		return WB_ERR_MEMORY;
	w->max_frames = opts->max_frames ? opts->max_frames : MAX_FRAMES_DEFAULT;
	w->max_scan_words = opts->max_scan_words ? opts->max_scan_words : SCAN_WORDS_DEFAULT;
	return take_strategies(w, opts->strategies, opts->num_strategies);
}

enum wb_err wb_walker_new(struct wb_session *session, const struct wb_walker_opts *given, struct wb_walker **ret_walker)
{
	struct wb_walker_opts opts = { .size = sizeof(opts) };
	struct wb_walker *w;
	enum wb_err err = WB_OK;

	if (!session || !ret_walker)
		return WB_ERR_ARGUMENT;
	if (given)
		err = wb_struct_take(&opts, sizeof(opts), given);
	if (err)
		return err;
	w = wb_mem_zalloc(1, sizeof(*w));
	if (!w)
		return WB_ERR_MEMORY;
	w->session = wb_session_ref(session);
	w->hint = &w->hints[0];
	err = walker_init(w, &opts);
	if (err) {
		wb_walker_free(w);
		return err;
	}
	*ret_walker = w;
	return WB_OK;
}

void wb_walker_free(struct wb_walker *w)
{
	if (!w)
		return;
	wb_mem_free(w->trail);
	wb_mem_free(w->rows);
	wb_code_memo_free(w->code_memo);
	wb_space_unref(w->space);
	wb_session_unref(w->session);
	wb_mem_free(w);
}

void wb_walker_drop_rows(struct wb_walker *w)
{
	if (!w)
		return;
	wb_code_memo_clear(w->code_memo);
	w->generation = (w->generation + 1) & INT16_MAX;
	if (!w->generation)
		memset(w->rows, 0, ((size_t)w->row_mask + 1) * sizeof(*w->rows));
	for (size_t i = 0; i < WB_HINTS; i++)
		if (w->hints[i].image)
			w->hints[i].tag = w->hints[i].image_id | w->generation << 48;
}

const char *wb_stop_text(enum wb_stop_reason reason)
{
	switch (reason) {
	case WB_STOP_ROOT: return "root";
	case WB_STOP_MEMORY: return "memory";
	case WB_STOP_NO_IMAGE: return "no-image";
	case WB_STOP_UNMAPPED: return "unmapped";
	case WB_STOP_NO_INFO: return "no-info";
	case WB_STOP_BAD_INFO: return "bad-info";
	case WB_STOP_NO_PROGRESS: return "no-progress";
	case WB_STOP_LIMIT: return "limit";
	case WB_STOP_JOINT: return "joint";
	case WB_STOP_GIVEN: return "given";
	case WB_STOP_EMPTY: return "empty";
	}
	return "unknown";
}

const char *wb_root_by_text(enum wb_root_by by)
{
	switch (by) {
	case WB_ROOT_NOT: return "";
	case WB_ROOT_RA_UNDEFINED: return "return address undefined";
	case WB_ROOT_GO_TOP_FRAME: return "Go top frame";
	case WB_ROOT_FP_ZERO: return "frame pointer zero";
	case WB_ROOT_PC_ZERO: return "return address zero";
	case WB_ROOT_KERNEL: return "kernel thread";
	case WB_ROOT_ENTRY: return "program entry";
	}
	return "unknown";
}

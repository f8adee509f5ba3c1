/* SPDX-License-Identifier: MIT */
/* walkback audit: what its two halves share. cmd_audit.c has the command and captures, cmd_audit_image.c objects. */
#ifndef TOOLS_CMD_AUDIT_H
#define TOOLS_CMD_AUDIT_H

#include "buffer.h"
#include "input.h"
#include "output.h"

struct wb_audit_findings {        /* of one image */
	struct wb_image *image;       /* referenced */
	struct wb_finding *items;
	size_t count, capacity;
	struct wb_code_call *calls;   /* those of the functions above, and of wrappers around them */
	size_t num_calls, calls_capacity;
	bool failed;                  /* its code could not be read */
};

struct wb_audit {
	struct wb_input input;
	struct wb_output output;
	struct wb_symbolizer *symbolizer;
	struct wb_buffer line;
	bool json;
	uint64_t bad_value;
	bool has_bad_value;
	uint64_t max_lines;
	size_t shown;                 /* findings */
	const char *indent;           /* of explanations, in text */
	const struct wb_audit_findings *said; /* text: whose finding was explained last, and the instruction */
	uint64_t said_at;
};

/* Ends the line that is made and writes it. */
void wb_audit_line(struct wb_audit *audit);
/* Adds "name+0x.. (file:line)" of an image pc, or members of JSON. */
void wb_audit_place(struct wb_audit *audit, struct wb_image *image, uint64_t image_pc);

/* cmd_audit_image.c. WB_ERR_UNSUPPORTED: nobody reads its instructions. */
enum wb_err wb_audit_find(struct wb_audit *audit, struct wb_image *image, struct wb_audit_findings *ret_findings);
void wb_audit_findings_deinit(struct wb_audit_findings *findings);
void wb_audit_print(struct wb_audit *audit, const struct wb_audit_findings *findings);
/* Says where a frame pointer of this value comes from. near: image pc of the function whose calls are to be blamed; UINT64_MAX: unknown. */
enum wb_err wb_audit_explain(struct wb_audit *audit, const struct wb_audit_findings *findings, uint64_t value, uint64_t near);

#endif

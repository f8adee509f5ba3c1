/* SPDX-License-Identifier: MIT */
/* All functions of an image, one after the other, with their code: for who looks at instructions of whole images. */
#ifndef UNWIND_CODE_FUNCTIONS_H
#define UNWIND_CODE_FUNCTIONS_H

#include "model/image.h"
#include "unwind/code_reader.h"

struct wb_go_rows;
struct wb_cfi;
struct wb_pclntab;

/* What an image has that tells of its functions. */
struct wb_code_image {
	struct wb_session *session;
	struct wb_image *image;
	struct wb_object *object;
	const struct wb_arch_info *arch;
	const struct wb_code_machine *machine;
	const struct wb_pclntab *go;  /* NULL: not Go's */
	struct wb_go_rows *go_rows;
	struct wb_cfi *cfi;           /* NULL: none */
};
struct wb_code_function {
	uint64_t start, end;          /* image pcs */
	bool is_go;
	bool is_switch;               /* Go: its job is to change stacks */
	const uint8_t *bytes;         /* of its code; borrowed for the call */
	size_t size;                  /* at most WB_CODE_FUNCTION_MAX */
};
enum { WB_CODE_FUNCTION_MAX = 65535 }; /* bytes that are looked at: fits wb_flow, and hand-written code is shorter */

/* WB_ERR_UNSUPPORTED: nobody reads the architecture's instructions. */
enum wb_err wb_code_image_open(struct wb_session *session, struct wb_image *image, struct wb_code_image *ret_code);
typedef enum wb_err (*wb_code_function_fn)(void *arg, const struct wb_code_image *code, const struct wb_code_function *function);
/* By address. */
enum wb_err wb_code_functions(const struct wb_code_image *code, wb_code_function_fn fn, void *arg);
/* The one that holds image_pc; WB_NONE. */
enum wb_err wb_code_function_at(const struct wb_code_image *code, uint64_t image_pc, wb_code_function_fn fn, void *arg);

#endif

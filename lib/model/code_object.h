/* SPDX-License-Identifier: MIT */
/* Generated code as an object: its bytes, its .eh_frame and its one name, as a JIT announces them. */
#ifndef MODEL_CODE_OBJECT_H
#define MODEL_CODE_OBJECT_H

#include "model/object.h"

/* Copies what code points to. code is checked by the caller: start < end. */
enum wb_err wb_code_object_new(struct wb_diags *diags, const struct wb_platform *platform, const struct wb_code *code,
                               struct wb_object **ret_object);

#endif

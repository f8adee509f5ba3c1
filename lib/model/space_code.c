/* SPDX-License-Identifier: MIT */
/* Generated code in a space: a mapping whose image was made from what the caller says about it. */
#include "model/space.h"

#include "base/err.h"
#include "model/code_object.h"
#include "model/session.h"

enum wb_err wb_space_add_code(struct wb_space *space, const struct wb_code *given, struct wb_space **ret_next)
{
	struct wb_mapping mapping = { .size = sizeof(mapping), .prot = WB_PROT_READ | WB_PROT_EXEC };
	struct wb_identity identity = { .size = sizeof(identity), .path = "", .flags = WB_IMAGE_ABSOLUTE };
	struct wb_session *session;
	struct wb_object *object;
	struct wb_code code;
	enum wb_err err;

	if (!space || !given || !ret_next)
		return WB_ERR_ARGUMENT;
	err = wb_struct_take(&code, sizeof(code), given);
	if (err)
		return err;
	if (code.start >= code.end || code.end - code.start > SIZE_MAX || (code.eh_frame_size && !code.eh_frame) ||
	    code.eh_frame_size > UINT64_MAX - code.eh_frame_address)
		return WB_ERR_ARGUMENT;
	session = wb_space_session(space);
	identity.platform = wb_space_platform(space);
	if (code.name)
		identity.path = code.name;
	err = wb_code_object_new(wb_session_diags(session), &identity.platform, &code, &object);
	if (err)
		return err;
	/* The image copies the object's path for messages. */
	object->path = identity.path;
	err = wb_image_of_object(session, &identity, object, &mapping.image);
	if (err)
		return err;
	mapping.start = code.start;
	mapping.end = code.end;
	mapping.file_offset = 0;
	err = wb_space_map(space, &mapping, 1, ret_next);
	wb_image_unref(mapping.image);
	return err;
}

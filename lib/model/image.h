/* SPDX-License-Identifier: MIT */
/*
 * Images: one executable's identity with its files by role. Files are opened lazily, at most once, by any thread; what is computed from
 * them is published once per slot; failures keep their verdict.
 */
#ifndef MODEL_IMAGE_H
#define MODEL_IMAGE_H

#include <walkback/base.h>

#include "base/lock.h"
#include "model/object.h"

#include <stdbool.h>

/* What other layers compute from an image and keep with it. */
enum wb_image_slot {
	WB_SLOT_CFI,                  /* unwind/cfi */
	WB_SLOT_COMPACT,              /* unwind/compact */
	WB_SLOT_BOUNDS,               /* model/bounds */
	WB_SLOT_BREAKPAD,             /* model/breakpad_sym */
	WB_SLOT_SYMTAB,               /* symbols/symtab */
	WB_SLOT_ALIASES,              /* symbols/aliases */
	WB_SLOT_PCLNTAB,              /* model/pclntab */
	WB_SLOT_GO_ROWS,              /* unwind/go_rows */
	WB_SLOT_DWARF,                /* symbols/dwarf_* */
	WB_SLOT_DEBUG_MAP,            /* symbols/debug_map */
	WB_SLOT_COUNT,
};

struct wb_image;

/* The object that serves a role, opened on first need (finders are asked). WB_NONE: not had (the verdict says why; WB_VERDICT_NOT_TRIED: a
 * finder said WB_LATER, ask again in a later walk, or nobody needs that file). The object lives as long as the image. For WB_FILE_DEBUG: the separate debug file only; fall back to the executable yourself. */
enum wb_err wb_image_object(struct wb_image *image, enum wb_file_role role, struct wb_object **ret_object);
enum wb_verdict wb_image_verdict(struct wb_image *image, enum wb_file_role role);
/* Whether the executable, if it was opened, has the build id that is wanted or was given for the image by the caller: not merely one that may be used. */
bool wb_image_is_proven(struct wb_image *image);

/* Bytes of a section of one of the image's objects, read (and decompressed) at most once, kept as long as the image. WB_NONE: no such
 * section. ret_vaddr may be NULL. */
enum wb_err wb_image_section(struct wb_image *image, struct wb_object *object, const char *name, const uint8_t **ret_bytes, size_t *ret_size,
                             uint64_t *ret_vaddr);
/* The same, but what is packed stays so until wb_unpack_need is asked for it. */
struct wb_section_bytes {
	const uint8_t *bytes;
	size_t size;
	uint64_t vaddr;
	struct wb_unpack *unpack;     /* NULL: all of it is there */
};
enum wb_err wb_image_section_begin(struct wb_image *image, struct wb_object *object, const char *name, struct wb_section_bytes *ret_section);
/* The named section from the debug file if it has it with bytes, else from the executable, else from what is packed into that. */
enum wb_err wb_image_debug_section(struct wb_image *image, const char *name, struct wb_object **ret_object, const uint8_t **ret_bytes,
                                   size_t *ret_size, uint64_t *ret_vaddr);
enum wb_err wb_image_debug_section_begin(struct wb_image *image, const char *name, struct wb_object **ret_object,
                                         struct wb_section_bytes *ret_section);
/* Whether an object that a finder offered is the wanted one, where only its reader can tell: WB_OK or WB_NONE (reported by it). Its sections
 * can be read, with wb_image_section. Called under the image's files' lock. */
typedef enum wb_err (*wb_object_accept_fn)(void *arg, struct wb_image *image, struct wb_object *object);
/* A further object that belongs to the image (dwo), kept as long as the image. queries: for the same file by one path after the other, the first
 * of which it is known by; a path is the file's as recorded. WB_NONE: not had; the role's verdict says why, for the worst of its files. */
enum wb_err wb_image_extra_object(struct wb_image *image, const struct wb_file_query *queries, size_t count, wb_object_accept_fn accept,
                                  void *arg, struct wb_object **ret_object);

/* The object's symbols, see wb_symbol_fn; what the object has to keep for their names is charged. */
enum wb_err wb_image_symbols(struct wb_image *image, struct wb_object *object, wb_symbol_fn fn, void *arg);

/* Publish-once: the slot's value, made by build(image, arg) under the slot's lock if nobody did before. A NULL result with WB_OK or
 * WB_NONE is remembered too ("known to have none"), unless a finder said WB_LATER meanwhile; so is every error but WB_ERR_MEMORY and
 * WB_ERR_CANCELLED. A builder may use sections, objects and other slots, if slots do not need each other in a circle. `destroy` (may be
 * NULL) runs when the image goes. Bytes that the value holds are reported to wb_session_charge by the builder. */
typedef enum wb_err (*wb_slot_build_fn)(struct wb_image *image, void *arg, void **ret_value);
enum wb_err wb_image_slot(struct wb_image *image, enum wb_image_slot slot, wb_slot_build_fn build, void *arg, void (*destroy)(void *value),
                          void **ret_value);

/* Whether another thread is building the slot's value: who needs it too has the time to do something else for it. */
bool wb_image_slot_is_busy(struct wb_image *image, enum wb_image_slot slot);

/* A new image whose executable is an object that the caller made (generated code). Takes the object, also on failure; the object's path
 * becomes the image's copy of the identity's. */
enum wb_err wb_image_of_object(struct wb_session *session, const struct wb_identity *identity, struct wb_object *object,
                               struct wb_image **ret_image);

/* The image of the archive's member that holds offset, which is image's executable, and where that member begins. WB_NONE: no member does. */
enum wb_err wb_image_member(struct wb_image *image, struct wb_object *archive, uint64_t offset, struct wb_image **ret_inside, uint64_t *ret_start);
/* wb_image_open of a file that is mapped: of several objects preferably that for arch; it may be an archive, of which a mapping's offset says more. */
enum wb_err wb_image_open_mapped(struct wb_session *session, const char *path, enum wb_arch arch, struct wb_image **ret_image);
/* A new image for one whose file is not had (NULL: there never was one), whose object lies in captured memory. Takes the object, also on failure. */
enum wb_err wb_image_of_memory(struct wb_session *session, struct wb_image *instead, struct wb_object *object, struct wb_image **ret_image);
/* Whether memory served where a file would have told more: the image is of memory, or one of memory serves instead of it. */
bool wb_image_is_in_memory(const struct wb_image *image);

struct wb_session *wb_image_session(struct wb_image *image);
const char *wb_image_path(const struct wb_image *image);          /* recorded path, "" if unknown */
/* The build id that files of this image must have: the identity's, else its executable's. NULL if unknown. */
const uint8_t *wb_image_wanted_id(struct wb_image *image, size_t *ret_size);
struct wb_platform wb_image_platform(const struct wb_image *image); /* may become known when a file is opened */
bool wb_image_is_absolute(const struct wb_image *image);
/* `frames` frames needed this role's file and did not have it: feeds wb_session_wanted. */
void wb_image_missed(struct wb_image *image, enum wb_file_role role, uint64_t frames);
/* Bytes of the image at image_pc, as its file has them (code, .got); WB_NONE if absent. */
enum wb_err wb_image_read(struct wb_image *image, uint64_t image_pc, void *buffer, size_t count);

#endif

/* SPDX-License-Identifier: MIT */
/* Debug ids: how symbol servers and Breakpad's symbol files know a build. */
#ifndef FORMATS_DEBUG_ID_H
#define FORMATS_DEBUG_ID_H

#include <stddef.h>
#include <stdint.h>

enum { WB_GUID_SIZE = 16, WB_DEBUG_ID_SIZE = 2 * WB_GUID_SIZE + 8 + 1 };

/* A GUID's bytes in the order in which it is written: its first three parts are little-endian (RFC 9562, 4, "alternate"). */
void wb_guid_order(const uint8_t *guid, uint8_t *ret);
/* A GUID as it is written, and an age, in hexadecimal digits. */
void wb_debug_id_of_guid(const uint8_t *guid, uint32_t age, char text[WB_DEBUG_ID_SIZE]);
/* Of an ELF build id: its first 16 bytes make the GUID; the age is 0. */
void wb_debug_id_of_build_id(const uint8_t *id, size_t size, char text[WB_DEBUG_ID_SIZE]);

#endif

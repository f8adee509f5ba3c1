/* SPDX-License-Identifier: MIT */
/* Debug ids as text. */
#include "formats/debug_id.h"

#include <stdio.h>
#include <string.h>

void wb_guid_order(const uint8_t *guid, uint8_t *ret)
{
	static const uint8_t order[WB_GUID_SIZE] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (unsigned i = 0; i < WB_GUID_SIZE; i++)
		ret[i] = guid[order[i]];
}

void wb_debug_id_of_guid(const uint8_t *guid, uint32_t age, char text[WB_DEBUG_ID_SIZE])
{
	uint8_t written[WB_GUID_SIZE];

	wb_guid_order(guid, written);
	for (unsigned i = 0; i < WB_GUID_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02X", written[i]);
	snprintf(text + 2 * WB_GUID_SIZE, 9, "%X", (unsigned)age);
}

void wb_debug_id_of_build_id(const uint8_t *id, size_t size, char text[WB_DEBUG_ID_SIZE])
{
	uint8_t guid[WB_GUID_SIZE] = { 0 };

	memcpy(guid, id, size < WB_GUID_SIZE ? size : WB_GUID_SIZE);
	wb_debug_id_of_guid(guid, 0, text);
}

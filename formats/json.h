/* SPDX-License-Identifier: MIT */
/*
 * Writing JSON (RFC 8259) into a buffer: commas are put by themselves, strings are escaped, and what is not UTF-8 in them becomes U+FFFD.
 * A key of NULL is for elements of arrays and for the outermost value.
 */
#ifndef FORMATS_JSON_H
#define FORMATS_JSON_H

#include "formats/out.h"

struct wb_json {
	struct wb_out *out;
	bool comma;                   /* the next member or element needs one before it */
};

void wb_json_open(struct wb_json *json, const char *key, char bracket);  /* '{' or '[' */
void wb_json_close(struct wb_json *json, char bracket);                  /* '}' or ']' */
void wb_json_string(struct wb_json *json, const char *key, const char *value);
void wb_json_number(struct wb_json *json, const char *key, uint64_t value);
void wb_json_integer(struct wb_json *json, const char *key, int64_t value);
/* 64-bit values are "0x..." strings: most readers keep numbers in 53 bits. */
void wb_json_address(struct wb_json *json, const char *key, uint64_t value);
/* Bytes as a string of hexadecimal digits. */
void wb_json_bytes(struct wb_json *json, const char *key, const uint8_t *bytes, size_t size);
void wb_json_true(struct wb_json *json, const char *key);
void wb_json_bool(struct wb_json *json, const char *key, bool value);
void wb_json_null(struct wb_json *json, const char *key);
/* As wb_json_address, with zeros in front up to `digits`. */
void wb_json_padded(struct wb_json *json, const char *key, uint64_t value, unsigned digits);
/* A value that was written before. */
void wb_json_raw(struct wb_json *json, const char *key, const char *value, size_t size);
/* Members that were written before, into another buffer and with `comma` set: the comma before the first one is part of them. */
void wb_json_members(struct wb_json *json, const char *members, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Walkback: offline stack unwinding and symbolization.
 *
 * Registers and raw memory that were captured earlier, on any machine, become frames; frames become inline-expanded
 * functions, files and lines. One way through, nothing flows back:
 *
 *   file -> capture -> (space, sample) -> walker -> frames + stop -> symbolizer -> sites -> sink -> bytes
 *
 *   base.h        sessions (configuration, finders, budgets), images (files and their identity), spaces (who is mapped where)
 *   unwind.h      samples (registers, memory, recorded frames), walkers, frames, stops
 *   symbolize.h   symbolizers and sites
 *   formats.h     captures (perf.data, snapshot folders, ...), sinks (text, folded, json), and the run that joins them
 *   inspect.h     for who looks for a bug: words of a stack, strategies side by side, functions that break the walks of others
 *
 * Shortest use, for somebody who has registers and a copy of the stack:
 *
 *   wb_session_new(NULL, &session);      wb_session_add_host_paths(session);
 *   wb_space_new(session, &platform, &empty);   wb_space_map(empty, mappings, n, &space);
 *   wb_walker_new(session, NULL, &walker);
 *   wb_walk_stack(walker, space, regs, num_regs, stack_address, stack, stack_size, frames, sizeof(frames[0]), 64, &count, &stop);
 *   wb_symbolizer_new(session, NULL, &symbolizer);
 *   wb_symbolize_frame(symbolizer, &frames[i], &sites, &num_sites);
 *
 * Threads: session, image, space: any thread. Walker, symbolizer, capture, sink: one thread at a time. There is no
 * global mutable state; the same input gives the same output with any number of threads.
 */
#ifndef WALKBACK_H
#define WALKBACK_H

#include <walkback/base.h>
#include <walkback/formats.h>
#include <walkback/inspect.h>
#include <walkback/symbolize.h>
#include <walkback/unwind.h>

#endif

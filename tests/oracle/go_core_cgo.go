// SPDX-License-Identifier: MIT

//go:build cgo
// +build cgo

package main

/*
#include <unistd.h>

extern void goWaits(void);
static void cWaits(void) { pause(); }
static void cCallsGo(void) { goWaits(); }
*/
import "C"

//export goWaits
func goWaits() { select {} }

func startForeign() {
	go func() { C.cWaits() }()
	go func() { C.cCallsGo() }()
}

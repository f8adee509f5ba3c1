// SPDX-License-Identifier: MIT

//go:build cgo
// +build cgo

package main

/*
#include <unistd.h>

extern void goWaits(void);
extern void goCalled(void);
static void cWaits(void) { pause(); }
static void cCallsGo(void) { goWaits(); }
static void cCallsBack(void) { goCalled(); }
*/
import "C"

//export goWaits
func goWaits() { select {} }

func startForeign() {
	go func() { C.cWaits() }()
	go func() { C.cCallsGo() }()
}

var called func()

//export goCalled
func goCalled() { called() }

func callBack(f func()) {
	called = f
	C.cCallsBack()
}

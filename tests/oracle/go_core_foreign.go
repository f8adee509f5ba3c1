// SPDX-License-Identifier: MIT

//go:build !cgo
// +build !cgo

package main

func startForeign() {}

func callBack(f func()) { f() }

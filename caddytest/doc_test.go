// Package caddytest holds the integration tests: a real Caddy in this process,
// configured by Caddyfiles, with mock providers outside of it. Each test says
// what an operator or a client may rely on. Nothing here reaches into the
// gateway: what is checked is what goes over the wire, into files and into logs.
//
// The clients of the official SDKs are in the folder clients, a module of its
// own.
package caddytest

//go:build tools

// Package tools keeps the programs we build in go.mod and go.sum.
package tools

import _ "github.com/opencontainers/runc"

//go:build tools

// Package tools keeps the program we build in go.mod and go.sum.
package tools

import _ "sigs.k8s.io/kueue/cmd/kueue"

package config

import _ "embed"

// Example is a pinbell.toml to begin with: every key, with its meaning. It
// passes the check on any board; where its password is not there yet, the
// check says so.
//
//go:embed pinbell.example.toml
var Example []byte

// Package interop gives tests other people's readers and services: Python
// environments with pyarrow and DuckDB, and with moto. They come from PyPI and
// are made on first use, so everything here and every test that uses it has
// the build tag `interop` (make test-interop).
package interop

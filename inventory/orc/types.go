package orc

import (
	"errors"
	"fmt"
	"math"
)

// typeInfo is one node of the type tree; its index in tail.types is the type's id (specification, "Type Information").
type typeInfo struct {
	kind             Kind
	subtypes         []int
	fieldNames       []string
	maxLength        int
	precision, scale int
}

func (t typeInfo) column(name string) Column {
	return Column{Name: name, Kind: t.kind, Precision: t.precision, Scale: t.scale, MaxLength: t.maxLength}
}

func parseType(b []byte) (typeInfo, error) {
	var t typeInfo
	err := walk(b, func(f field) error {
		switch f.number {
		case 1:
			var kind int
			err := f.int(&kind, uint64(kindCount-1))
			t.kind = Kind(kind)
			return err
		case 2:
			return f.repeated(func(id uint64) error {
				if id > math.MaxInt32 {
					return fmt.Errorf("type id %d", id)
				}
				t.subtypes = append(t.subtypes, int(id))
				return nil
			})
		case 3:
			name, err := f.message()
			t.fieldNames = append(t.fieldNames, string(name))
			return err
		case 4:
			return f.int(&t.maxLength, math.MaxInt32)
		case 5:
			return f.int(&t.precision, maxDecimalDigits)
		case 6:
			return f.int(&t.scale, maxDecimalDigits)
		}
		return nil
	})
	return t, err
}

// checkTypes makes sure that the types form a tree in which every type has a larger id than its parent.
func (t *tail) checkTypes() error {
	if len(t.types) == 0 {
		return errors.New("it describes no columns")
	}
	parents := make([]int, len(t.types))
	for id, ty := range t.types {
		if ty.kind == KindStruct && len(ty.fieldNames) != len(ty.subtypes) {
			return fmt.Errorf("type %d is a struct of %d columns with %d names", id, len(ty.subtypes), len(ty.fieldNames))
		}
		if !ty.kind.Nested() && len(ty.subtypes) > 0 {
			return fmt.Errorf("type %d (%v) has columns below it", id, ty.kind)
		}
		for _, sub := range ty.subtypes {
			if sub <= id || sub >= len(t.types) {
				return fmt.Errorf("type %d names type %d as a part", id, sub)
			}
			parents[sub]++
		}
	}
	for id, n := range parents[1:] {
		if n != 1 {
			return fmt.Errorf("type %d is part of %d types", id+1, n)
		}
	}
	return nil
}

// parseEncryption returns the type ids of the columns that are encrypted, with all columns below them (specification,
// "Column Encryption").
func parseEncryption(b []byte) (roots []int, err error) {
	err = walk(b, func(f field) error {
		if f.number != 3 {
			return nil
		}
		variant, err := f.message()
		if err != nil {
			return err
		}
		root := 0
		if err := walk(variant, func(f field) error {
			if f.number == 1 {
				return f.int(&root, math.MaxInt32)
			}
			return nil
		}); err != nil {
			return err
		}
		roots = append(roots, root)
		return nil
	})
	return roots, err
}

// markEncrypted marks the given types and all below them.
func (t *tail) markEncrypted(roots []int) error {
	if len(roots) == 0 {
		return nil
	}
	t.encrypted = make([]bool, len(t.types))
	for _, id := range roots {
		if id >= len(t.types) {
			return fmt.Errorf("encrypted type %d does not exist", id)
		}
		t.encrypted[id] = true
	}
	for id, ty := range t.types { // parents come before their parts
		for _, sub := range ty.subtypes {
			t.encrypted[sub] = t.encrypted[sub] || t.encrypted[id]
		}
	}
	return nil
}

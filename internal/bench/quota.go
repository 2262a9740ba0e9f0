package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// quota is a control group of Linux, whose processes together get a part of one processor.
type quota struct{ folder, outside string }

// The control groups of the first and of the second version, of which a system has one for processors.
const (
	groupsOne = "/sys/fs/cgroup/cpu"
	groupsTwo = "/sys/fs/cgroup"
)

// quotaPeriod is how often a quota begins anew.
const quotaPeriod = 20 * time.Millisecond

// newQuota makes a group, if the system lets this process do so.
func newQuota(name string, share float64) (*quota, error) {
	period := quotaPeriod.Microseconds()
	most := int64(share * float64(period))
	root, settings := groupsOne, [][2]string{{"cpu.cfs_period_us", fmt.Sprint(period)}, {"cpu.cfs_quota_us", fmt.Sprint(most)}}
	if _, err := os.Stat(filepath.Join(root, "cpu.cfs_quota_us")); err != nil {
		root, settings = groupsTwo, [][2]string{{"cpu.max", fmt.Sprint(most, period)}}
		_ = os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+cpu"), 0) // or there is no cpu.max
	}
	q := &quota{filepath.Join(root, name), root}
	if err := os.Mkdir(q.folder, 0o700); err != nil {
		return nil, err
	}
	for _, s := range settings {
		if err := os.WriteFile(filepath.Join(q.folder, s[0]), []byte(s[1]), 0); err != nil {
			return nil, errors.Join(err, os.Remove(q.folder))
		}
	}
	return q, nil
}

// add puts a process into the group.
func (q *quota) add(process int) error {
	return os.WriteFile(filepath.Join(q.folder, "cgroup.procs"), []byte(fmt.Sprint(process)), 0)
}

// end puts a process out of the group, which ends.
func (q *quota) end(process int) error {
	return errors.Join(os.WriteFile(filepath.Join(q.outside, "cgroup.procs"), []byte(fmt.Sprint(process)), 0), os.Remove(q.folder))
}

package embedded

import (
	"context"
	"errors"
	"slices"
)

// opening is a partition's way to being open, which may take long: a file of an
// older format is written anew. Those who want the partition wait for it, and
// nobody else does.
type opening struct {
	stop context.CancelFunc
	done chan struct{}
	err  error // once done
}

// use calls fn with the partition open. Others use it at the same time; it is
// not closed meanwhile. A partition that proves damaged is set aside, and is
// then like one that was dropped (errDropped).
func (x *Index) use(ctx context.Context, p *partition, fn func() error) error {
	err := x.used(ctx, p, fn)
	if !damaged(err) {
		return err
	}
	if failed := x.setAside(p, err); failed != nil {
		return errors.Join(err, failed)
	}
	return errDropped
}

func (x *Index) used(ctx context.Context, p *partition, fn func() error) error {
	for {
		if err := x.touch(ctx, p); err != nil {
			return err
		}
		p.using.RLock()
		if p.isOpen() {
			defer p.using.RUnlock()
			return fn()
		}
		p.using.RUnlock() // closed in between to make room for another
	}
}

// touch opens p where it is closed, and marks it as used last.
func (x *Index) touch(ctx context.Context, p *partition) error {
	x.mu.Lock()
	switch {
	case x.closed:
		x.mu.Unlock()
		return errClosed
	case p.dropped:
		x.mu.Unlock()
		return errDropped
	}
	if i := slices.Index(x.open, p); i >= 0 {
		x.open = append(slices.Delete(x.open, i, i+1), p)
		x.mu.Unlock()
		return nil
	}
	o := p.opening
	if o == nil {
		// Whoever asked first may not wait to its end; the others do.
		work, stop := context.WithCancel(context.WithoutCancel(ctx))
		o = &opening{stop: stop, done: make(chan struct{})}
		p.opening = o
		go x.openNow(work, p, o)
	}
	x.mu.Unlock()
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (x *Index) openNow(ctx context.Context, p *partition, o *opening) {
	defer o.stop()
	p.using.Lock()
	o.err = p.openFiles(ctx)
	p.using.Unlock()
	x.mu.Lock()
	p.opening = nil
	if o.err == nil && !p.dropped { // else whoever drops it closes it
		x.open = append(x.open, p)
		o.err = x.makeRoom()
	}
	x.mu.Unlock()
	close(o.done)
}

// makeRoom closes partitions that are over the limit and that nobody uses. It
// is called under Index.mu.
func (x *Index) makeRoom() error {
	for i := 0; i < len(x.open)-1 && len(x.open) > x.opt.OpenPartitions; {
		old := x.open[i]
		if !old.using.TryLock() {
			i++
			continue
		}
		err := old.closeFiles()
		old.using.Unlock()
		x.open = slices.Delete(x.open, i, i+1)
		if err != nil && !damaged(err) { // which its next use finds
			return err
		}
	}
	return nil
}

// retire makes p one that nobody begins to use any more. It is called under
// Index.mu, and release after it.
func (x *Index) retire(p *partition) {
	p.dropped, p.gone = true, make(chan struct{})
	x.open = slices.DeleteFunc(x.open, func(o *partition) bool { return o == p })
}

// release closes a retired partition when nobody uses it any more, calls away
// to take its files away, and makes room for a new one of its name. Where the
// files could not be closed or taken away the partition is as it was.
func (x *Index) release(p *partition, away func() error) error {
	x.mu.Lock()
	o := p.opening
	x.mu.Unlock()
	if o != nil {
		o.stop()
		<-o.done
	}
	p.using.Lock() // waits for those that use it
	closing := p.closeFiles()
	err := away()
	p.using.Unlock()
	// Only now may there be one of that name again: whoever had opened its files
	// before would have written into files that are being removed.
	x.mu.Lock()
	defer x.mu.Unlock()
	if err == nil {
		delete(x.tenants[p.tenant], p.name)
	} else {
		p.dropped = false
	}
	close(p.gone)
	return errors.Join(closing, err)
}

// awaitGone waits until the files of a dropped partition are removed.
func (x *Index) awaitGone(ctx context.Context, p *partition) error {
	x.mu.Lock()
	gone := p.gone
	x.mu.Unlock()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

//! bumpalo's loops, compiled with it, so that it inlines as its users see it. Each is the twin of
//! a loop in bump.cpp, aligned.cpp or cycles.cpp.

use bumpalo::Bump;
use std::alloc::Layout;
use std::arch::asm;

/// `touch` of cells.hpp.
#[inline(always)]
unsafe fn touch(p: *mut u8, value: usize) {
    p.cast::<usize>().write(value);
    asm!("/* {0} */", in(reg) p, options(nostack, preserves_flags));
}

#[inline(always)]
unsafe fn fixed<const SIZE: usize, const ALIGNMENT: usize>(bump: *mut Bump, count: usize) {
    let layout = Layout::from_size_align_unchecked(SIZE, ALIGNMENT);
    let shared: &Bump = &*bump;
    for i in 0..count {
        touch(shared.alloc_layout(layout).as_ptr(), i);
    }
    (*bump).reset();
}

#[inline(always)]
unsafe fn listed<const ALIGNMENT: usize>(bump: *mut Bump, sizes: *const u32, count: usize) {
    let shared: &Bump = &*bump;
    for i in 0..count {
        let size = *sizes.add(i) as usize;
        let layout = Layout::from_size_align_unchecked(size, ALIGNMENT);
        touch(shared.alloc_layout(layout).as_ptr(), i);
    }
    (*bump).reset();
}

#[no_mangle]
pub extern "C" fn bumpalo_new(bytes: usize) -> *mut Bump {
    Box::into_raw(Box::new(Bump::with_capacity(bytes)))
}

#[no_mangle]
pub unsafe extern "C" fn bumpalo_delete(bump: *mut Bump) {
    drop(Box::from_raw(bump));
}

#[no_mangle]
pub unsafe extern "C" fn bumpalo_16(bump: *mut Bump, count: usize) {
    fixed::<16, 8>(bump, count)
}

#[no_mangle]
pub unsafe extern "C" fn bumpalo_64(bump: *mut Bump, count: usize) {
    fixed::<64, 8>(bump, count)
}

#[no_mangle]
pub unsafe extern "C" fn bumpalo_24_aligned_64(bump: *mut Bump, count: usize) {
    fixed::<24, 64>(bump, count)
}

#[no_mangle]
pub unsafe extern "C" fn bumpalo_listed(bump: *mut Bump, sizes: *const u32, count: usize) {
    listed::<8>(bump, sizes, count)
}

#[no_mangle]
pub unsafe extern "C" fn bumpalo_listed_aligned_16(
    bump: *mut Bump,
    sizes: *const u32,
    count: usize,
) {
    listed::<16>(bump, sizes, count)
}

// SPDX-License-Identifier: MIT
//! framehop on the same flat file (../flat.h) as the other engines; the same arguments and output as bench_walk.c.
//! One unwinder, one cache for all samples, memory from the sample's stack alone: framehop asks for nothing else.

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{ExplicitModuleSectionInfo, FrameAddress, Module, Unwinder};
use memmap2::Mmap;
use object::{Object, ObjectSection, ObjectSegment, SegmentFlags};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};

const REGS: usize = 17;
const RBP: usize = 6;
const RSP: usize = 7;
const RIP: usize = 16;
const SAMPLE_SIZE: usize = REGS * 8 + 8 + 8 + 4 + 4;
const EXEC: u32 = 4;
const MAX_FRAMES: usize = 4096;

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

struct Map {
    start: u64,
    end: u64,
    file_offset: u64,
    prot: u32,
    path: String,
}

struct Sample<'a> {
    regs: [u64; REGS],
    stack_address: u64,
    time_ns: u64,
    tid: u32,
    stack: &'a [u8],
}

struct Flat<'a> {
    maps: Vec<Map>,
    samples: Vec<Sample<'a>>,
}

fn read_flat(bytes: &[u8]) -> Flat<'_> {
    assert_eq!(&bytes[..8], b"WBFLAT1\0", "not a flat file");
    let (num_maps, num_samples) = (u64_at(bytes, 8) as usize, u64_at(bytes, 16) as usize);
    let (maps_at, strings_at) = (u64_at(bytes, 24) as usize, u64_at(bytes, 32) as usize);
    let mut at = u64_at(bytes, 40) as usize;
    let maps = (0..num_maps)
        .map(|i| {
            let map = &bytes[maps_at + i * 32..];
            let path = &bytes[strings_at + u32_at(map, 28) as usize..];
            let length = path.iter().position(|&b| b == 0).unwrap();
            Map {
                start: u64_at(map, 0),
                end: u64_at(map, 8),
                file_offset: u64_at(map, 16),
                prot: u32_at(map, 24),
                path: String::from_utf8_lossy(&path[..length]).into_owned(),
            }
        })
        .collect();
    let samples = (0..num_samples)
        .map(|_| {
            let sample = &bytes[at..];
            let size = u32_at(sample, REGS * 8 + 16) as usize;
            at += SAMPLE_SIZE + ((size + 7) & !7);
            Sample {
                regs: std::array::from_fn(|i| u64_at(sample, i * 8)),
                stack_address: u64_at(sample, REGS * 8),
                time_ns: u64_at(sample, REGS * 8 + 8),
                tid: u32_at(sample, REGS * 8 + 20),
                stack: &sample[SAMPLE_SIZE..SAMPLE_SIZE + size],
            }
        })
        .collect();
    Flat { maps, samples }
}

/// The executable segment that holds the map's first byte of the file ties file addresses to those of the process.
fn bias(file: &object::File, map: &Map) -> Option<u64> {
    file.segments().find_map(|segment| {
        let (offset, size) = segment.file_range();
        let executable = matches!(segment.flags(), SegmentFlags::Elf { p_flags } if p_flags & 1 != 0);
        let holds = map.file_offset >= offset & !0xfff && map.file_offset < offset + size;
        (executable && holds)
            .then(|| map.start.wrapping_sub(map.file_offset).wrapping_sub(segment.address().wrapping_sub(offset)))
    })
}

fn make_module(path: &str, range: std::ops::Range<u64>, map: &Map) -> Option<Module<&'static [u8]>> {
    let mmap: &'static Mmap = Box::leak(Box::new(unsafe { Mmap::map(&File::open(path).ok()?) }.ok()?));
    let file = object::File::parse(&mmap[..]).ok()?;
    let bias = bias(&file, map)?;
    let data = |name: &str| file.section_by_name(name).and_then(|s| s.data().ok()).filter(|d| !d.is_empty());
    let svma = |name: &str| file.section_by_name(name).map(|s| s.address()..s.address() + s.size());
    let info = ExplicitModuleSectionInfo {
        base_svma: 0,
        text_svma: svma(".text"),
        text: data(".text"),
        got_svma: svma(".got"),
        eh_frame_svma: svma(".eh_frame"),
        eh_frame: data(".eh_frame"),
        eh_frame_hdr_svma: svma(".eh_frame_hdr"),
        eh_frame_hdr: data(".eh_frame_hdr"),
        debug_frame: data(".debug_frame"),
        ..Default::default()
    };
    Some(Module::new(path.to_string(), range, bias, info))
}

fn make_unwinder(flat: &Flat) -> UnwinderX86_64<&'static [u8]> {
    let mut unwinder = UnwinderX86_64::new();
    let mut ranges: BTreeMap<&str, (u64, u64, Option<&Map>)> = BTreeMap::new();
    for map in flat.maps.iter().filter(|m| m.path.starts_with('/')) {
        let entry = ranges.entry(&map.path).or_insert((map.start, map.end, None));
        entry.1 = map.end;
        if map.prot & EXEC != 0 && entry.2.is_none() {
            entry.2 = Some(map);
        }
    }
    for (path, (start, end, text)) in ranges {
        if let Some(module) = text.and_then(|map| make_module(path, start..end, map)) {
            unwinder.add_module(module);
        }
    }
    unwinder
}

fn walk(
    unwinder: &UnwinderX86_64<&'static [u8]>,
    cache: &mut CacheX86_64,
    sample: &Sample,
    mut pcs: Option<&mut Vec<u64>>,
) -> (usize, bool) {
    let regs = UnwindRegsX86_64::new(sample.regs[RIP], sample.regs[RSP], sample.regs[RBP]);
    let mut read_stack = |address: u64| {
        let offset = address.wrapping_sub(sample.stack_address) as usize;
        let word = sample.stack.get(offset..offset.wrapping_add(8)).ok_or(())?;
        Ok(u64::from_ne_bytes(word.try_into().unwrap()))
    };
    let mut frames = unwinder.iter_frames(sample.regs[RIP], regs, cache, &mut read_stack);
    let mut count = 0;
    while count < MAX_FRAMES {
        match frames.next() {
            Ok(Some(frame)) => {
                count += 1;
                if let Some(pcs) = pcs.as_deref_mut() {
                    pcs.push(match frame {
                        FrameAddress::InstructionPointer(pc) => pc,
                        FrameAddress::ReturnAddress(pc) => pc.get() - 1,
                    });
                }
            }
            Ok(None) => return (count, true),
            Err(_) => return (count, false),
        }
    }
    (count, false)
}

fn cpu_seconds() -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    now.tv_sec as f64 + 1e-9 * now.tv_nsec as f64
}

fn main() {
    let (mut passes, mut distinct, mut out, mut path) = (2, usize::MAX, None, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-p" => passes = args.next().and_then(|n| n.parse().ok()).expect("-p PASSES"),
            "-n" => distinct = args.next().and_then(|n| n.parse().ok()).expect("-n DISTINCT"),
            "-o" => out = Some(BufWriter::new(File::create(args.next().expect("-o FRAMES")).expect("-o FRAMES"))),
            _ => path = Some(arg),
        }
    }
    let path = path.expect("usage: bench_walk_framehop [-p PASSES] [-n DISTINCT] [-o FRAMES] FLAT");
    let mmap = unsafe { Mmap::map(&File::open(&path).expect("flat file")) }.expect("flat file");
    let flat = read_flat(&mmap);
    let unwinder = make_unwinder(&flat);
    let mut cache = CacheX86_64::<_>::new();
    for pass in 1..=passes {
        let (mut frames, mut complete) = (0, 0);
        let start = cpu_seconds();
        for i in 0..flat.samples.len() {
            let sample = &flat.samples[i % distinct];
            let mut pcs = Vec::new();
            let wanted = pass == passes && out.is_some();
            let (count, root) = walk(&unwinder, &mut cache, sample, wanted.then_some(&mut pcs));
            frames += count;
            complete += root as usize;
            if let (true, Some(out)) = (wanted, out.as_mut()) {
                let list: String = pcs.iter().map(|pc| format!(" {pc:x}")).collect();
                writeln!(out, "{} {} {}{}", sample.tid, sample.time_ns, root as u8, list).unwrap();
            }
        }
        let seconds = cpu_seconds() - start;
        println!(
            "framehop pass={pass} samples={} frames={frames} complete={complete} cpu_s={seconds:.4} ns_per_frame={:.1}",
            flat.samples.len(),
            1e9 * seconds / frames.max(1) as f64
        );
    }
}

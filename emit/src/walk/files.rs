//! Source files: how they are read, and which one `mod name;` means.
//!
//! The rules are those of "Module Source Filenames" and "The path attribute" in the Rust
//! Reference, and of rustc's `rustc_expand::module` where that page is silent.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::str::FromStr as _;

use proc_macro2::TokenStream;

use super::scope::Derive;
use super::{Share, strip};

/// Where `mod name;` looks for its file. Paths are relative to the manifest's folder.
#[derive(Clone, Debug)]
pub(super) struct Dir {
    path: PathBuf,
    owner: Owner,
}

#[derive(Clone, Debug)]
enum Owner {
    /// Files lie in `path`: the crate root, a `mod.rs`, a file named by `#[path]`.
    Folder,
    /// Files lie in `path/<this>`: any other file.
    Below(String),
    /// Inside a function body, where only `#[path]` can name a file.
    Block,
}

/// The file that a `mod name;` means.
#[derive(Debug)]
pub(super) enum ModuleFile {
    /// This file; modules declared in it look in that place.
    At(PathBuf, Dir),
    /// None is there, or two are; the one that was looked for first.
    Unclear(PathBuf),
    /// Not allowed here without `#[path]`.
    Refused,
}

impl Dir {
    /// The place of a file that owns its folder: a root, or one that `include!` brought in.
    pub(super) fn of_root(file: &Path) -> Dir {
        Dir {
            path: parent(file),
            owner: Owner::Folder,
        }
    }

    /// The place inside `mod name { ... }`.
    pub(super) fn inline(&self, name: &str, path: Option<&str>) -> Dir {
        if let Some(path) = path {
            return Dir {
                path: self.path.join(path),
                owner: Owner::Folder,
            };
        }
        let mut dir = self.clone();
        if let Owner::Below(own) = &self.owner {
            dir.path.push(own);
            dir.owner = Owner::Folder;
        }
        dir.path.push(name);
        dir
    }

    /// The place inside a function body.
    pub(super) fn block(&self) -> Dir {
        Dir {
            path: self.path.clone(),
            owner: Owner::Block,
        }
    }

    /// The file that `mod name;` means here, under `base`, the manifest's folder.
    pub(super) fn module(&self, base: &Path, name: &str, path: Option<&str>) -> ModuleFile {
        if let Some(path) = path {
            // Whatever its name, such a file owns its folder as a `mod.rs` does.
            let file = self.path.join(path);
            let dir = Dir::of_root(&file);
            return ModuleFile::At(file, dir);
        }
        let folder = match &self.owner {
            Owner::Folder => self.path.clone(),
            Owner::Below(own) => self.path.join(own),
            Owner::Block => return ModuleFile::Refused,
        };
        let beside = folder.join(format!("{name}.rs"));
        let inside = folder.join(name).join("mod.rs");
        match (base.join(&beside).is_file(), base.join(&inside).is_file()) {
            (true, false) => {
                let dir = Dir {
                    path: folder,
                    owner: Owner::Below(name.to_owned()),
                };
                ModuleFile::At(beside, dir)
            }
            (false, true) => {
                let dir = Dir::of_root(&inside);
                ModuleFile::At(inside, dir)
            }
            _ => ModuleFile::Unclear(beside),
        }
    }
}

/// The folder of a file.
fn parent(file: &Path) -> PathBuf {
    file.parent().map(Path::to_path_buf).unwrap_or_default()
}

/// A file's tokens.
pub(super) struct Source {
    pub(super) tokens: TokenStream,
    /// Whether the text has one of the derives' names anywhere, a comment included. Where it has
    /// not, no function needs to be looked into.
    pub(super) names_derive: bool,
    /// The types that were put off, by the number that stands between their braces.
    pub(super) later: Rc<[Rc<str>]>,
}

/// Reads a file as rustc does: UTF-8, a byte order mark and a `#!` line dropped, `\r\n` folded to
/// `\n` (inside literals too). `None` if it cannot be read or its brackets and literals do not
/// add up. The types of other shares are put off.
pub(super) fn source(file: &Path, share: Share) -> Option<Source> {
    let text = prepared(fs::read_to_string(file).ok()?);
    let names_derive = Derive::NAMES.iter().any(|(name, _)| text.contains(name));
    // Where no function is named there is none to take out.
    let stripped = match share.of > 1 || text.contains("fn ") {
        true => strip::strip(&text, names_derive, &|name| share.has(name)),
        false => None,
    };
    let (text, later) = stripped.map_or((text, Vec::new()), |it| (it.text, it.later));
    Some(Source {
        tokens: TokenStream::from_str(&text).ok()?,
        names_derive,
        later: later.into_iter().map(Rc::from).collect(),
    })
}

fn prepared(mut text: String) -> String {
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    // `#![...]` is an attribute, whatever blanks stand between; any other `#!` a script's line.
    if text
        .strip_prefix("#!")
        .is_some_and(|rest| !rest.trim_start().starts_with('['))
    {
        let end = text.find('\n').unwrap_or(text.len());
        text.drain(..end);
    }
    if text.contains("\r\n") {
        text.replace("\r\n", "\n")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_rustc_reads_it() {
        let read = |text: &str| prepared(text.to_owned());
        assert_eq!(read("\u{feff}struct A;"), "struct A;");
        assert_eq!(read("#!/usr/bin/env x [\nstruct A;"), "\nstruct A;");
        assert_eq!(read("#! [cfg(x)]\nstruct A;"), "#! [cfg(x)]\nstruct A;");
        assert_eq!(read("#!only"), "");
        assert_eq!(read("\u{feff}#!x\r\na\r\n\"b\r\nc\""), "\na\n\"b\nc\"");
    }
}

//! The README's code blocks.

use std::fs;

use crate::workspace;

/// A code block: its language, the line of text before it, and what stands in it.
#[derive(Debug)]
struct Block {
    language: String,
    lead: String,
    text: String,
}

/// The README of the workspace, as its code blocks.
#[derive(Debug)]
pub struct Readme {
    blocks: Vec<Block>,
}

impl Readme {
    /// Reads the README.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn read() -> Self {
        let text = fs::read_to_string(workspace().join("README.md")).expect("there is a README");
        let mut blocks = Vec::new();
        let mut lead = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            match line.strip_prefix("```") {
                Some(language) => {
                    let body: Vec<&str> =
                        lines.by_ref().take_while(|line| *line != "```").collect();
                    blocks.push(Block {
                        language: language.to_owned(),
                        lead: lead.clone(),
                        text: body.join("\n") + "\n",
                    });
                }
                None if line.is_empty() => {}
                None => lead = line.to_owned(),
            }
        }
        Readme { blocks }
    }

    /// The block under a line that names the file: `` `build.rs`: ``.
    ///
    /// # Panics
    /// If there is none.
    pub fn file(&self, name: &str) -> &str {
        let lead = format!("`{name}`:");
        let found = self.blocks.iter().find(|block| block.lead == lead);
        &found
            .unwrap_or_else(|| panic!("the README shows no `{name}`"))
            .text
    }

    /// The block of a language whose text holds `part`.
    ///
    /// # Panics
    /// If there is none.
    pub fn block(&self, language: &str, part: &str) -> &str {
        let mut blocks = self.blocks.iter();
        let found = blocks.find(|block| block.language == language && block.text.contains(part));
        &found
            .unwrap_or_else(|| panic!("the README shows no {language} with `{part}`"))
            .text
    }

    /// How many blocks there are of each language, in order of languages.
    pub fn languages(&self) -> Vec<(String, usize)> {
        let mut languages: Vec<(String, usize)> = Vec::new();
        for block in &self.blocks {
            match languages
                .iter_mut()
                .find(|(language, _)| *language == block.language)
            {
                Some((_, count)) => *count += 1,
                None => languages.push((block.language.clone(), 1)),
            }
        }
        languages.sort();
        languages
    }
}

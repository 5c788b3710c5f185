//! The statements of a plan, grouped as a careful person would group them.

/// Statements in order, in groups, and what running them loses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The groups in the order in which they run.
    pub groups: Vec<Group>,
    /// What data is lost, a phrase each, such as ``drops table `public.note` ``.
    pub losses: Vec<String>,
}

/// Statements about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What it is about: a struct's module path, or a word such as `roles`.
    pub title: String,
    /// The statements, without their final semicolon.
    pub statements: Vec<String>,
}

impl Group {
    /// Adds a statement, given without its final semicolon.
    pub fn push(&mut self, statement: String) {
        self.statements.push(statement);
    }
}

impl Plan {
    /// The group of that title at the end of the plan, opened where the last one has another title.
    pub fn group(&mut self, title: &str) -> &mut Group {
        if self.groups.last().is_none_or(|last| last.title != title) {
            self.groups.push(Group {
                title: title.to_owned(),
                statements: Vec::new(),
            });
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.groups.iter().all(|group| group.statements.is_empty())
    }

    /// The SQL text: a comment per group, a blank line between statements of several lines.
    pub fn body(&self) -> String {
        let mut text = String::new();
        for group in self
            .groups
            .iter()
            .filter(|group| !group.statements.is_empty())
        {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("-- {}\n", group.title));
            let mut after_long = false;
            for (index, statement) in group.statements.iter().enumerate() {
                let long = statement.contains('\n');
                if index > 0 && (long || after_long) {
                    text.push('\n');
                }
                text.push_str(statement);
                text.push_str(";\n");
                after_long = long;
            }
        }
        text
    }
}

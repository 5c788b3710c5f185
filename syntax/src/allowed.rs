//! What the policies of a table allow: to whom, which commands, and with which columns.

use proc_macro2::Ident;
use tabellion_sql::schema::Command;

use crate::ast::{At, Column, PathRef, Policy, Rls, Table};
use crate::predicate::Predicate;

impl Table {
    /// The scopes that it answers to: its own, then the others that its policies name.
    pub fn scopes(&self) -> Vec<&PathRef> {
        let mut scopes: Vec<&PathRef> = self.scope.iter().collect();
        for scope in self.policies().iter().filter_map(|it| it.scope.as_ref()) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// The policies; none where there is another answer.
    pub fn policies(&self) -> &[Policy] {
        match &self.rls {
            Rls::Policies(policies) => policies,
            Rls::Missing | Rls::DenyAll | Rls::None { .. } => &[],
        }
    }

    /// The scope that a policy speaks of.
    pub fn scope_of<'a>(&'a self, policy: &'a Policy) -> Option<&'a PathRef> {
        policy.scope.as_ref().or(self.scope.as_ref())
    }

    /// The fields that a scope's policy for a command names, where it names some.
    pub fn of_columns(&self, scope: &PathRef, command: Command) -> Option<&At<Vec<Ident>>> {
        let decides = |policy: &&Policy| {
            !policy.restrictive
                && policy.command == Some(command)
                && self.scope_of(policy) == Some(scope)
        };
        let policy = self.policies().iter().find(decides)?;
        policy.columns.as_ref()
    }

    /// Whether a name in an attribute is that column's field.
    pub fn is_field(&self, column: &Column, field: &Ident) -> bool {
        let named = self.column(field);
        named.is_some_and(|named| std::ptr::eq(named, column))
    }

    /// Whether some policy lets an update change the column to another value: one that names no columns or this one
    /// too, and does not say both before and after the update that the column equals the same field of the scope.
    pub fn is_changeable(&self, column: &Column) -> bool {
        let updates = self.policies().iter();
        let updates = updates.filter(|policy| policy.is_for(Command::Update));
        let (guards, mut allowing): (Vec<_>, Vec<_>) = updates.partition(|it| it.restrictive);
        // Without any there is no update.
        let is_all = allowing.is_empty();
        allowing.retain(|policy| {
            let is_named = policy.columns.as_ref().is_none_or(|columns| {
                let mut fields = columns.value.iter();
                fields.any(|field| self.is_field(column, field))
            });
            let of_same = |guard: &&&Policy| self.scope_of(guard) == self.scope_of(policy);
            let mut binding = guards.iter().filter(of_same).chain([policy]);
            is_named && !binding.any(|policy| self.is_held(policy, column))
        });
        is_all || !allowing.is_empty()
    }

    /// Whether a row that the policy reaches has, and keeps, one value of the scope in the column.
    fn is_held(&self, policy: &Policy, column: &Column) -> bool {
        let (Some(Predicate::Typed(using)), Some(Predicate::Typed(check))) =
            (&policy.using, &policy.check)
        else {
            return false;
        };
        let is_own = |field: &Ident| self.is_field(column, field);
        let kept = check.held(&is_own);
        let before = using.held(&is_own);
        before.iter().any(|field| kept.contains(field))
    }

    /// The commands that some policy, or the reasoned absence of policies, allows a scope; without one,
    /// whoever asks where the table names none.
    pub fn commands(&self, scope: Option<&PathRef>) -> Vec<Command> {
        Command::ALL
            .into_iter()
            .filter(|command| match &self.rls {
                Rls::Missing | Rls::DenyAll => false,
                Rls::Policies(policies) => policies.iter().any(|policy| {
                    self.scope_of(policy) == scope && !policy.restrictive && policy.is_for(*command)
                }),
                Rls::None { allow, .. } => self.scope.as_ref() == scope && allow.contains(command),
            })
            .collect()
    }
}

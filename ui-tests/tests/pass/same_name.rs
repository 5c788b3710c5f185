//! Structs of one name in several modules.

/// The first.
pub mod first {
    use tabellion::{Scope, Table, TextEnum};

    /// Another scope than everybody's.
    #[derive(Scope)]
    #[scope(role = "first")]
    pub struct Shop {
        /// The domain.
        #[setting("app.first")]
        pub domain: String,
    }

    /// Another enumeration than the second's.
    #[derive(TextEnum)]
    pub enum Status {
        /// Only here.
        Here,
    }

    /// A task.
    #[derive(Table)]
    #[table(name = "first_tasks", scope = Shop)]
    #[policy("own", select, using = shop == scope.domain && status == Status::Here)]
    pub struct Task {
        /// The tenant.
        pub shop: String,
        /// Of this module.
        pub status: Status,
    }
}

/// The second.
pub mod second {
    use tabellion::{Table, TextEnum};

    /// Another enumeration than the first's.
    #[derive(TextEnum)]
    pub enum Status {
        /// Only here.
        There,
    }

    /// A task of another shape, with the scope of the first.
    #[derive(Table)]
    #[table(name = "second_tasks", scope = super::first::Shop)]
    #[policy("own", select, using = domain == scope.domain && status == self::Status::There)]
    pub struct Task {
        /// The tenant.
        pub domain: String,
        /// Of this module.
        pub status: Status,
        /// Of the other.
        #[column(default = super::first::Status::Here)]
        pub other: super::first::Status,
    }
}

"""What is owed to each order now: states, intents, received despatches, exceptions, cursors.

SQL is spoken here (SQLAlchemy Core) and in `history`, nowhere else. SQLite by default, PostgreSQL
by address when several machines share the work.
"""

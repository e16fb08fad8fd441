"""What people look at: plain functions of a psycopg connection that answer with the API's models. Read only.

Every list is read along an index, newest first, and by a bounded number of rows: no more than a page of each of the
chosen deployments. Times are UTC; where a session has its own clock they are market time.
"""

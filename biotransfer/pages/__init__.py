"""What people see of results: figures and the report. Nothing here trains."""

"""The deployed lakehouse, played through in an emulated account before it ever sees a real one.

What is real: the program and the engine that deploys it, the deployed state machine, the jobs'
entry point with the arguments that the state machine gives, the functions' handler with their
deployed environment, landing zone and run documents in S3, messages from topic to queue, the
catalog, and every role's policies, which each call is held to. With `--engine spark` the jobs
run on Spark as in Glue, and take minutes.

What is not: AWS itself. moto stands for its services and interprets the state machine. By default
the jobs run on the laptop's engine, Polars; that Spark gives the same tables is what the
equivalence tests prove. Tables are written to a folder and copied to S3 after each job. Waits
before further tries are left out.
"""
